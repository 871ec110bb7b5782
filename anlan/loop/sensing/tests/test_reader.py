"""Ranges out of the blocks: the same as reading every block one by one, whatever is kept in memory."""

import random
from datetime import timedelta

import numpy as np
import pytest

from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.loop.sensing import reader
from anlan.loop.sensing.blocks import FUTURE, GOOD, MISSING, columns_of, pack, unpack
from anlan.loop.sensing.models import Block
from anlan.loop.sensing.queries import ms, place_values, places_values
from anlan.loop.sensing.reader import RUN, Runs, readings_between
from anlan.loop.sensing.router import readings_alias
from anlan.loop.sensing.tests.feed import hear
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
SYSTEM = system_actor("test", Mode.DRILL)


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Nothing kept from another test, whose blocks had the same numbers."""
    fresh = Runs()
    monkeypatch.setattr(reader, "RUNS", fresh)
    return fresh


def write(count: int, seed: int) -> int:
    """Blocks of a few readings each, late and repeated ones among them; returns the newest number."""
    chooser = random.Random(seed)
    blocks = []
    for n in range(count):
        rows = []
        for _ in range(chooser.randrange(1, 4)):
            said = chooser.choice([(1.5 * n, GOOD), (None, MISSING), (9.0, FUTURE)])
            rows.append((chooser.randrange(4), n * 10 + chooser.randrange(-200, 10), *said))
        columns = columns_of(rows)
        blocks.append(
            Block(arrived_at=NOW, source="test", count=len(rows), first_ms=int(columns.times.min()),
                  last_ms=int(columns.times.max()), packed=pack(columns))
        )  # fmt: skip
    Block.objects.using(readings_alias()).bulk_create(blocks, batch_size=200)
    newest = Block.objects.using(readings_alias()).order_by("-id").values_list("id", flat=True).first()
    assert newest is not None
    return newest


def plainly(series: list[int], low: int, high: int) -> dict[int, list[tuple[int, float | None]]]:
    """Every block, one by one."""
    held: dict[int, dict[int, float | None]] = {number: {} for number in series}
    for packed in Block.objects.using(readings_alias()).order_by("id").values_list("packed", flat=True):
        one = unpack(bytes(packed))
        for number, at, value, quality in zip(one.series, one.times, one.values, one.quality, strict=True):
            if int(number) in held and low < at <= high and quality != FUTURE:
                held[int(number)][int(at)] = None if np.isnan(value) else float(value)
    return {number: sorted(values.items()) for number, values in held.items()}


def test_ranges_are_those_of_reading_block_by_block(runs: Runs) -> None:
    newest = write(3 * RUN + 77, 1)
    ranges = [(0, 500), (4000, 9000), (-300, 40 * RUN), (newest * 10 - 50, newest * 10 + 50), (7, 7)]
    for _again in range(2):  # the second time out of memory
        for low, high in ranges:
            assert readings_between([0, 2, 3], low, high) == plainly([0, 2, 3], low, high)
    assert len(runs.kept) >= 3
    assert readings_between([], 0, 500) == {}


def test_what_arrives_later_is_seen_at_once(runs: Runs) -> None:
    write(RUN + 5, 2)
    assert readings_between([1], 0, 10**6) == plainly([1], 0, 10**6)
    write(RUN, 3)  # fills the run that was growing, and begins the next
    assert readings_between([1], 0, 10**6) == plainly([1], 0, 10**6)


def test_memory_is_bounded() -> None:
    kept = Runs(most=100)
    one = columns_of([(1, 1, 1.0, GOOD)] * 40)
    for number in range(5):
        kept.keep(number, one)
    assert kept.readings <= 100
    assert list(kept.kept) == [3, 4]
    kept.get(3)
    kept.keep(5, one)
    assert list(kept.kept) == [3, 5]  # the least used went
    kept.keep(6, columns_of([(1, 1, 1.0, GOOD)] * 101))
    assert 6 not in kept.kept


def test_a_gauge_back_from_a_gap_has_its_whole_step(cast: Cast) -> None:
    """What fell in the gap is told by the first reading after it, as the kernel counts it."""
    place = cast.places["YL1"]
    told = [(NOW - timedelta(hours=9), 100.0), (NOW - timedelta(minutes=20), 130.0), (NOW, 131.5)]
    hear(place, "rain.accumulated", told, NOW)
    last_hour = place_values(SYSTEM, place, "rain", NOW - timedelta(hours=1), NOW)
    assert last_hour == [(told[1][0], 30.0), (told[2][0], 1.5)]
    old = place_values(SYSTEM, place, "rain", NOW - timedelta(days=2), NOW)
    assert [value for _at, value in old] == [0.0, 30.0, 1.5]
    both = places_values(SYSTEM, [place, cast.places["YL2"]], "rain", NOW - timedelta(minutes=5), NOW)
    assert [len(values) for values in both.values()] == [1, 0]
    assert ms(both[place.id][0][0]) == ms(NOW)
