from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "anlan.base.journal"
    label = "journal"
    verbose_name = "记录"
