"""The loop's core on PostgreSQL: `anlan up` with ANLAN_DATABASE_URL, a storm, alarms, woken people, a fresh demo."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.journeys.conftest import running_site, until
from tests.postgres import server

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(os.environ.get("ANLAN_DATABASE_URL")), reason="starts a server of its own"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with server() as url:
        yield url


def count(url: str, what: str) -> int:
    """Rows of a table with a condition; 0 while the tables are still to come."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute(f"select count(*) from {what}").fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    assert row is not None
    return int(row[0])


def test_a_storm_is_judged_and_people_are_woken(database: str, tmp_path: Path) -> None:
    settings = {"ANLAN_DATABASE_URL": database, "ANLAN_DEMO_RATE_OPEN": "30", "ANLAN_DEMO_RATE_FAST": "300"}
    with running_site(tmp_path, settings) as site:
        assert not (site.folder / "record.sqlite3").exists()
        (site.folder / "storm_requested").touch()
        assert until(lambda: count(database, "alarms_alarm where incident_id is not null"), 90), "no alarm"
        assert until(lambda: count(database, "calls_call where stage = 'acked'"), 60), "nobody was woken"
        assert until(lambda: count(database, "tasks_task where kind = 'door'"), 60), "no door task"
        assert count(database, "sensing_block") > 10
        (site.folder / "reset_requested").touch()
        fresh = tmp_path / "demo-002" / "gateway_ready"
        assert until(fresh.exists, 60), "no fresh demo"
        assert count(database, "alarms_alarm") == count(database, "calls_call") == 0
        assert count(database, "people_account") == 7


def test_a_demo_never_touches_a_database_with_real_data(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("update journal_entry set mode = 'real' where \"offset\" = 1")
    before = count(database, "people_account")
    with (
        pytest.raises(AssertionError, match="演示站点不动它"),
        running_site(tmp_path, {"ANLAN_DATABASE_URL": database}, ready_s=15),
    ):
        pass
    assert count(database, "people_account") == before > 0
