from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "anlan.desk"
    label = "desk"
    verbose_name = "值班台"
