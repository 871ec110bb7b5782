from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    name = "anlan.loop.alarms"
    label = "alarms"
    verbose_name = "警情"
