"""Which database a table lives on: the readings have a file of their own on SQLite, so the gateway never waits."""

from django.conf import settings
from django.db.models import Model

READINGS = "readings"
MODELS = frozenset(
    {"block", "chunk", "contact", "folding", "latest", "mark", "receipt", "rollup", "snapshot", "unrolled"}
)


def readings_alias() -> str:
    """The alias that the readings are kept under: their own where the settings have one."""
    return READINGS if READINGS in settings.DATABASES else "default"


class ReadingsRouter:
    """Sends the tables of readings (MODELS of the sensing slice) to `readings`, everything else to `default`."""

    def _home(self, app_label: str, model_name: str | None) -> str:
        return READINGS if app_label == "sensing" and model_name in MODELS else "default"

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return self._home(model._meta.app_label, model._meta.model_name)

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: object) -> bool:
        """Each alias gets only its own tables."""
        return db == self._home(app_label, model_name)
