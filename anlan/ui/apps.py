"""The frame's app. At start it imports `screens.py` of every slice, where pages are put into the registries."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class UiConfig(AppConfig):
    name = "anlan.ui"
    label = "ui"

    def ready(self) -> None:
        autodiscover_modules("screens")
