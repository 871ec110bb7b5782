from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "anlan.loop.calls"
    label = "calls"
    verbose_name = "叫应"
