"""C7: folding, roll-ups and retention over years: what goes, what stays; a fault is said and stops the rest."""

from datetime import timedelta

import numpy as np
import pytest

from anlan.loop.sensing import reader
from anlan.loop.sensing.blocks import GOOD, SUSPECT, columns_of
from anlan.loop.sensing.chunks import DAY_MS
from anlan.loop.sensing.commands import store_block
from anlan.loop.sensing.folding import Retention, keep, kept, progress, roll_ups
from anlan.loop.sensing.models import Block, Chunk, Series
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.reader import Runs, stored_readings
from anlan.loop.sensing.router import readings_alias
from anlan.loop.sensing.tests.feed import hear
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
RETENTION = Retention(timedelta(days=7), 1)


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RUNS", Runs())


def work(days: float) -> None:
    """The worker's turns, so many days after the cast's moment."""
    while keep(NOW + timedelta(days=days), RETENTION):
        pass


def test_readings_go_through_blocks_chunks_and_roll_ups(cast: Cast) -> None:
    told = [(NOW - timedelta(minutes=5 * n), 100.0 + (600 - n) // 7) for n in range(600, 0, -1)]
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    number = Series.objects.get().id
    everything = stored_readings([number], 0, 2**45)
    work(0)
    assert (kept().blocks, kept().readings) == (1, 600)
    assert kept().chunk_bytes / kept().readings < 6
    work(6.9)
    assert kept().blocks == 1
    work(7.1)
    assert kept().blocks == 0
    again = stored_readings([number], 0, 2**45)
    assert np.array_equal(again.values, everything.values)
    hours = roll_ups(number, "h", 0, 2**31)
    assert hours.rain.sum() == 100 * (told[-1][1] - told[0][1])  # canonical: the difference of the running total
    assert hours.count.sum() == 600
    work(400)
    assert (kept().chunks, len(stored_readings([number], 0, 2**45))) == (0, 0)
    assert roll_ups(number, "h", 0, 2**31).rain.sum() == hours.rain.sum()
    raw_from = progress().raw_from
    assert raw_from is not None
    assert raw_from > ms(NOW) // DAY_MS


def test_a_late_reading_changes_the_rain_of_two_days(cast: Cast) -> None:
    """The last reading of a day, come after all was rolled up: the next day's first rain counts from it."""
    edge = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    told = [(edge - timedelta(hours=2), 10.0), (edge + timedelta(hours=1), 30.0)]
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    work(3)
    number, day = Series.objects.get().id, ms(edge) // DAY_MS
    assert roll_ups(number, "d", day, day + 1).rain.tolist() == [0, 2000]
    hear(cast.places["YL1"], "rain.accumulated", [(edge, 25.0)], NOW)
    work(3)
    assert roll_ups(number, "d", day, day + 1).rain.tolist() == [1500, 500]
    assert Chunk.objects.using(readings_alias()).filter(version=2).count() == 1


def test_doubted_readings_are_counted_apart() -> None:
    store_block(columns_of([(1, DAY_MS + 1, 5.0, GOOD), (1, DAY_MS + 2, 900.0, SUSPECT)]), source="t", now=NOW)
    work(1)
    (day,) = [roll_ups(1, "d", 2, 2)]
    assert (day.high.tolist(), day.count.tolist(), day.doubtful.tolist()) == ([5.0], [1], [1])


def test_a_fault_is_said_and_nothing_goes() -> None:
    store_block(columns_of([(1, ms(NOW), 5.0, GOOD)]), source="t", now=NOW)
    work(0)
    Chunk.objects.using(readings_alias()).all().delete()
    work(30)
    assert Block.objects.using(readings_alias()).count() == 1
    assert f"series 1 day {ms(NOW) // DAY_MS}" in kept().fault
