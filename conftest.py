"""Fixtures for every test, those beside the slices included."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections

from anlan.kernel.clock import SiteClock
from anlan.loop.sensing import latest
from tests.cast import NOW, Cast, make_cast


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite in files of this process, as a site has it: in memory, threads would lock each other's tables out."""
    for alias, database in settings.DATABASES.items():
        if database["ENGINE"].endswith("sqlite3"):
            connections[alias].settings_dict["TEST"]["NAME"] = str(settings.CONFIG.data / f"test_{alias}.sqlite3")


@pytest.fixture
def cast(db: None) -> Cast:
    """The fixed cast in a fresh database."""
    return make_cast()


@pytest.fixture
def at_now(cast: Cast) -> Iterator[Cast]:
    """The cast, on a site whose own clock stands at the cast's moment."""
    path = settings.CONFIG.data / "clock.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    SiteClock(path).start(NOW.timestamp(), rate=1e-6)
    yield cast
    path.unlink()


# The same algorithm as in earnest, at a cost that lets a test make seven accounts.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 64, 1

# Pages of a test see the newest value as soon as it is stored.
latest.EVERY_S = latest.REST = 0
