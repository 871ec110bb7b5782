from django.apps import AppConfig


class SensingConfig(AppConfig):
    name = "anlan.loop.sensing"
    label = "sensing"
    verbose_name = "监测"
