"""kill -9 of gateway, worker and web in the middle of a storm: nothing acknowledged is lost, doubled or stuck."""

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.outside import ask, in_site, kill
from tests.journeys.conftest import Site, site, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
__all__ = ["site"]

# Reads a site's folder in a process of its own: what every station's counter holds in the blocks, beside what it said.
# A station keeps a frame until the centre has confirmed it, so every step between its first and its newest stored
# report was acknowledged; what it said at each is known from the storms.
AUDIT = """
import json, sys
import django
django.setup()
from pathlib import Path
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.reader import readings_between
from anlan.site.demo.simulator import Weather
from anlan.site.demo.storm import STEP_S, accumulated

storms = Weather.load(Path(sys.argv[1]) / "storm.json").storms
found = {series.id: series.device.place for series in
         Series.objects.filter(metric="rain.accumulated").select_related("device__place")}
lost, wrong, seen = [], [], 0
for number, stored in readings_between(found, 0, 4_102_444_800_000).items():
    place, held = found[number], {at // 1000: value for at, value in stored}
    seen += len(held)
    lost += [(place.code, at) for at in range(min(held), max(held), STEP_S) if at not in held]
    wrong += [(place.code, at, value) for at, value in held.items()
              if value is None or abs(value - accumulated(storms, place.lon, place.lat, at)) > 0.051]
print(json.dumps({"stations": len(found), "seen": seen, "lost": lost, "wrong": wrong}))
"""


def _count(folder: Path, sql: str, file: str = "record") -> int:
    return int(str(ask(folder, sql, file)[0][0]))


def test_kill_9_in_the_middle_of_a_storm(site: Site) -> None:
    folder = site.folder
    (folder / "storm_requested").touch()
    assert until(lambda: ask(folder, "select id from calls_attempt"), 90), "no call was dialled"
    for word in ("cli gateway", "cli worker", "granian", "cli gateway", "cli worker"):
        assert until(lambda word=word: kill(folder, word), 20), f"{word} was not running"  # type: ignore[misc]
        time.sleep(1.5)
    blocks = _count(folder, "select count(*) from sensing_block", "readings")
    assert until(lambda: _count(folder, "select count(*) from sensing_block", "readings") > blocks + 64, 90), (
        "the gateway did not come back"
    )
    _no_reading_is_lost(folder)
    _no_alarm_and_no_dial_is_doubled(folder)
    _nothing_is_stuck(folder)


def _no_reading_is_lost(folder: Path) -> None:
    audit = in_site(folder, "-c", AUDIT, str(folder))
    assert audit.returncode == 0, audit.stderr
    found = json.loads(audit.stdout)
    assert found["stations"] == 64
    assert found["seen"] > 64 * 5
    assert (found["lost"], found["wrong"]) == ([], [])


def _no_alarm_and_no_dial_is_doubled(folder: Path) -> None:
    standing = Counter(
        row[0] for row in ask(folder, "select rule || place_id from alarms_alarm where cleared_at is null")
    )
    assert standing, "no alarm survived"
    assert max(standing.values()) == 1
    # An attempt's id is its idempotency key. The company's own book: one call a key, and no key that is not ours.
    with closing(sqlite3.connect(next((folder / "phones").glob("*.sqlite3")))) as book:
        rang = Counter(str(row[0]).replace("-", "") for row in book.execute("select key from calls"))
    assert rang
    assert max(rang.values()) == 1
    planned = {str(row[0]).replace("-", "") for row in ask(folder, "select id from calls_attempt")}
    assert set(rang) <= planned
    per_try = Counter(ask(folder, "select call_id, n from calls_attempt"))
    assert max(per_try.values()) == 1


def _nothing_is_stuck(folder: Path) -> None:
    """Calls that have a step that is due get it, no lease outlives its owner, and the journal is sealed and whole."""
    open_calls = "select count(*) from calls_call where stage in ('calling', 'widened')"
    late = open_calls + " and (due_at is null or due_at < datetime('{}', '-2 minutes'))"

    def overdue() -> int:
        now = (folder / "clock_seen").read_text()
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(float(now)))
        return _count(folder, late.format(moment))

    assert until(lambda: overdue() == 0, 30), "a call is stuck"
    unsealed = "select count(*) from journal_entry where offset is null"
    assert until(lambda: _count(folder, unsealed) < 50, 20), "nobody seals the journal"
    assert _count(folder, "select max(offset) - count(*) from journal_entry where offset is not null") == 0
    verified = in_site(folder, "-m", "anlan.site.cli", "journal", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
