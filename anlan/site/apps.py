from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class SiteConfig(AppConfig):
    name = "anlan.site"
    label = "site"
    verbose_name = "安澜"

    def ready(self) -> None:
        """Find what slices bring: listeners, navigation, map layers, checks. The registries are closed after this."""
        for config in apps.get_app_configs():
            if config.name.startswith("anlan."):
                for room in ("listeners", "checks"):
                    if find_spec(f"{config.name}.{room}") is not None:
                        import_module(f"{config.name}.{room}")
        import_module("anlan.site.dialer").wire()
        import_module("anlan.site.wires")
