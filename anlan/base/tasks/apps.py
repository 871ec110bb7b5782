from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "anlan.base.tasks"
    label = "tasks"
    verbose_name = "任务"
