"""kill -9 of gateway, worker and web in the middle of a storm: they come back, nothing is doubled or stuck."""

import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.conftest import Site, site, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
__all__ = ["site"]


def _ask(folder: Path, sql: str, file: str = "record") -> list[tuple[object, ...]]:
    """Rows of the site's own database, read from outside."""
    with closing(sqlite3.connect(folder / f"{file}.sqlite3", timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def _kill(folder: Path, word: str) -> int:
    """kill -9 the process of this site whose command line holds `word`; returns how many."""
    killed = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode()
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"ANLAN_DATA={folder}\0" in environment and word in line.replace("\0", " "):
            os.kill(int(entry.name), signal.SIGKILL)
            killed += 1
    return killed


def test_kill_9_in_the_middle_of_a_storm(site: Site) -> None:
    folder = site.folder
    (folder / "storm_requested").touch()
    assert until(lambda: _ask(folder, "select id from calls_attempt"), 90), "no call was dialled"
    for word in ("cli gateway", "cli worker", "granian"):
        assert _kill(folder, word), word
        time.sleep(2)
    before = int(str(_ask(folder, "select count(*) from sensing_block", "readings")[0][0]))
    assert until(lambda: int(str(_ask(folder, "select count(*) from sensing_block", "readings")[0][0])) > before, 60), (
        "the gateway did not come back"
    )
    dialled = len(_ask(folder, "select id from calls_attempt"))
    assert until(lambda: len(_ask(folder, "select id from calls_attempt")) > dialled, 60) or not _ask(
        folder, "select id from calls_call where stage in ('calling', 'widened')"
    ), "a call is stuck"

    open_keys = Counter(
        row[0] for row in _ask(folder, "select rule || place_id from alarms_alarm where cleared_at is null")
    )
    assert open_keys, "no alarm survived"
    assert max(open_keys.values()) == 1
    # An attempt's id is its idempotency key: each was taken by the telephone company once, under one name of its own.
    taken = Counter(row[0] for row in _ask(folder, "select provider from calls_attempt where provider != ''"))
    assert max(taken.values()) == 1
    tries = Counter(_ask(folder, "select call_id, n from calls_attempt"))
    assert max(tries.values()) == 1
    gaps = _ask(folder, "select max(offset) - count(*) from journal_entry where offset is not null")
    assert gaps[0][0] == 0
    # Every station has been heard again since: none is stuck behind a frame that nobody confirmed.
    series = int(str(_ask(folder, "select count(*) from sensing_latest", "readings")[0][0]))
    assert series >= 60 * 2
