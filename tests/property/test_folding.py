"""C7: a chunk reads as what was stored, whatever the split into blocks and folds, and killed between any two writes.

The twin is a dictionary that hears the readings one by one. Times lie close together, so that repeats, late readings
and days that are written again are the rule and not the exception.
"""

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.kernel.judging.kernel import SeriesSpec
from anlan.kernel.judging.oracle import increments
from anlan.loop.sensing import folding, reader
from anlan.loop.sensing.blocks import FUTURE, GOOD, JUDGED, MANUAL, MISSING, SUSPECT, WITHDRAWN, columns_of
from anlan.loop.sensing.chunks import DAY_MS, HOUR_MS, merged, only, pack_chunk, unpack_chunk
from anlan.loop.sensing.codec import (
    pack_ints,
    pack_times,
    pack_values,
    unpack_ints,
    unpack_times,
    unpack_values,
)
from anlan.loop.sensing.commands import store_block
from anlan.loop.sensing.folding import FoldError, drop_blocks, fold, roll_up, roll_ups
from anlan.loop.sensing.models import Block, Chunk, Folding, RollUp, Unrolled
from anlan.loop.sensing.ranges import points
from anlan.loop.sensing.reader import Runs, stored_readings
from anlan.loop.sensing.rollups import Counting, pack_steps, shares, steps_of, unpack_steps
from anlan.loop.sensing.router import readings_alias

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
START = 20_000 * DAY_MS
RAIN = Counting(100, True, 1_000_000, 50_000)
LATER = datetime.fromtimestamp((START + 40 * DAY_MS) / 1000, UTC)
LOOSE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

SAID = st.one_of(
    st.tuples(st.floats(-1e9, 1e9), st.sampled_from([GOOD, GOOD, SUSPECT, MANUAL, FUTURE, WITHDRAWN])),
    st.tuples(st.integers(-300, 9_999_999).map(lambda n: n / 100), st.just(GOOD)),
    st.just((None, MISSING)),
)
ROW = st.tuples(
    st.integers(1, 3), st.sampled_from([0, 1, DAY_MS - 1, DAY_MS, DAY_MS + 1, 2 * DAY_MS]), st.integers(-3, 3), SAID
)
ACTS = st.lists(
    st.one_of(
        st.lists(ROW, min_size=1, max_size=12),  # a block arrives
        st.tuples(st.just("fold"), st.integers(1, 4), st.integers(0, 3)),
        st.tuples(st.sampled_from(["roll", "drop"]), st.integers(1, 3), st.integers(0, 1)),
    ),
    min_size=2,
    max_size=14,
)


class Killed(Exception):
    """As if the process had gone."""


def clean() -> None:
    for model in (Block, Chunk, Unrolled, RollUp, Folding):
        model.objects.using(readings_alias()).all().delete()


def same(a: float | None, b: float) -> bool:
    return math.isnan(b) if a is None else (a == b and math.copysign(1, a) == math.copysign(1, b))


@pytest.fixture
def breakable(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """After so many write transactions of the folding the next one never begins."""
    left = {"writes": 10**9}
    whole, rolled = folding._write_chunks, folding._write_roll_ups

    def slowly(*args: object) -> None:
        left["writes"] -= 1
        if left["writes"] < 0:
            raise Killed
        whole(*args)  # type: ignore[arg-type]

    def rolls(*args: object) -> None:
        left["writes"] -= 1
        if left["writes"] < 0:
            raise Killed
        rolled(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(folding, "_write_chunks", slowly)
    monkeypatch.setattr(folding, "_write_roll_ups", rolls)
    monkeypatch.setattr(folding, "SLICE", 2)
    monkeypatch.setattr(reader, "RUN", 4)
    return left


def run(what: str, size: int, now: datetime) -> None:
    if what == "fold":
        fold(now, blocks=size)
    elif what == "roll":
        roll_up(now, days=size)
    else:
        drop_blocks(now + timedelta(days=size), timedelta(days=1))


@LOOSE
@given(acts=ACTS)
def test_what_is_read_is_what_was_stored(acts: list[object], breakable: dict[str, int]) -> None:
    clean()
    twin: dict[tuple[int, int], tuple[float | None, int]] = {}
    reader.RUNS = Runs()
    now = LATER
    for act in acts:
        now += timedelta(minutes=1)
        if isinstance(act, list):
            rows = [(series, START + base + off, *said) for series, base, off, said in act]
            store_block(columns_of(rows), source="test", now=now)
            for series, at, value, quality in rows:
                if quality != FUTURE or twin.get((series, at), (0, FUTURE))[1] == FUTURE:
                    twin[series, at] = (value, quality)
        else:
            assert isinstance(act, tuple)
            what, size, writes = act
            breakable["writes"] = writes
            with suppress(Killed):
                run(what, size, now)
        for series in ([1], [1, 2, 3]):
            for low, high in ((0, 2**45), (START, START + DAY_MS), (START + DAY_MS - 2, START + DAY_MS + 2)):
                _as_the_twin(twin, series, low, high)
        _charts_as_the_readings(1)


def _charts_as_the_readings(series: int) -> None:
    """Hours and days of a chart, wherever its parts are just now, are those of all readings taken together."""
    everything = stored_readings([series], 0, 2**45)
    for step, length in (("hour", HOUR_MS), ("day", DAY_MS)):
        whole = steps_of(everything, length, RAIN, None)
        for low, high in ((START - 5 * DAY_MS, START + 5 * DAY_MS), (START + DAY_MS, START + 2 * DAY_MS)):
            expected = whole.take((whole.number > low // length) & (whole.number * length <= high))
            got = points(series, low, high, RAIN, step)
            assert got.times.tolist() == (expected.number * length).tolist()
            assert got.doubtful.tolist() == expected.doubtful.tolist()
            rain = np.where(expected.count > 0, expected.rain / 100, np.nan)
            assert np.array_equal(got.value, rain, equal_nan=True)


def _as_the_twin(twin: dict[tuple[int, int], tuple[float | None, int]], series: list[int], low: int, high: int) -> None:
    expected = sorted((key, said) for key, said in twin.items() if key[0] in series and low < key[1] <= high)
    found = stored_readings(series, low, high)
    assert list(zip(found.series.tolist(), found.times.tolist(), strict=True)) == [key for key, _said in expected]
    assert found.quality.tolist() == [quality for _key, (_value, quality) in expected]
    assert all(same(value, got) for (_k, (value, _q)), got in zip(expected, found.values.tolist(), strict=True))


@LOOSE
@given(rows=st.lists(ROW, min_size=1, max_size=40), cuts=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_roll_ups_say_what_the_readings_say(rows: list[tuple[int, int, int, tuple[float | None, int]]],
                                            cuts: list[int], breakable: dict[str, int]) -> None:  # fmt: skip
    """Once all is rolled up, least, greatest, last and count of each hour and day are those of its readings."""
    clean()
    reader.RUNS = Runs()
    breakable["writes"] = 10**9
    told = [(series, START + base + off, *said) for series, base, off, said in rows]
    for start in range(0, len(told), 5):
        store_block(columns_of(told[start : start + 5]), source="test", now=LATER)
        fold(LATER, blocks=cuts[start % len(cuts)])
        roll_up(LATER, days=cuts[start % len(cuts)])
    while fold(LATER) or roll_up(LATER):
        pass
    assert not Unrolled.objects.using(readings_alias()).exists()
    everything = stored_readings([1, 2, 3], 0, 2**45)
    for series in (1, 2, 3):
        mine = only(everything, everything.series == series)
        for step, length in (("h", HOUR_MS), ("d", DAY_MS)):
            steps = roll_ups(series, step, 0, 10**9)
            numbers = sorted({-(-at // length) for at, q in zip(mine.times.tolist(), mine.quality.tolist(), strict=True)
                              if q != FUTURE})  # fmt: skip
            assert steps.number.tolist() == numbers
            for n, number in enumerate(numbers):
                inside = (mine.times > (number - 1) * length) & (mine.times <= number * length)
                good = inside & np.isin(mine.quality, JUDGED) & ~np.isnan(mine.values)
                values = mine.values[good]
                assert steps.count[n] == len(values)
                assert steps.doubtful[n] == (inside & (mine.quality != FUTURE)).sum() - len(values)
                if len(values):
                    assert (steps.low[n], steps.high[n], steps.last[n]) == (values.min(), values.max(), values[-1])
                else:
                    assert np.isnan(steps.last[n])


@given(st.lists(st.integers(-(2**61), 2**61), max_size=30), st.lists(st.floats(width=64), max_size=30))
def test_packing_is_exact(numbers: list[int], values: list[float]) -> None:
    ints, floats = np.array(numbers, np.int64), np.array(values, np.float64)
    assert np.array_equal(unpack_ints(pack_ints(ints), len(ints)), ints)
    times = np.sort(ints // 2**20)
    assert np.array_equal(unpack_times(pack_times(times), len(times)), times)
    back = unpack_values(pack_values(floats), len(floats))
    gone = np.isnan(floats)
    assert np.array_equal(np.isnan(back), gone)
    assert np.array_equal(back[~gone].view(np.int64), floats[~gone].view(np.int64))


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 99_999)), min_size=1, max_size=40),
    st.booleans(),
    st.sampled_from([0, 100_000]),
    st.integers(1, 41),
)
def test_shares_are_the_rain_that_is_judged(told: list[tuple[int, int]], counter: bool, modulus: int, cut: int) -> None:
    """The same increments as the plain judge, and the same when the series is cut in two at any place."""
    times = np.cumsum([gap for gap, _v in told]).tolist()
    whole = [value for _gap, value in told]
    expected = [
        step for _at, step in increments(SeriesSpec(0, counter, modulus, 5000), list(zip(times, whole, strict=True)))
    ]
    how, values = Counting(100, counter, modulus, 5000), np.array(whole) / 100
    first, rest = values[:cut], values[cut:]
    got = [*shares(how, first, None).tolist(), *shares(how, rest, float(first[-1])).tolist()]
    assert got == expected


def test_a_damaged_chunk_is_said_and_never_read() -> None:
    packed = pack_chunk(merged(columns_of([(1, 5, 1.5, GOOD), (1, 9, None, MISSING)])))
    assert unpack_chunk(1, packed).times.tolist() == [5, 9]
    for broken in (packed[:-3], packed[:9] + b"\0\0" + packed[11:], b"", b"x" * 40):
        with pytest.raises(ValueError):
            unpack_chunk(1, broken)


@given(st.lists(ROW, min_size=1, max_size=30))
def test_steps_are_packed_exactly(rows: list[tuple[int, int, int, tuple[float | None, int]]]) -> None:
    told = merged(columns_of([(1, START + base + off, *said) for _series, base, off, said in rows]))
    steps = steps_of(told, HOUR_MS, Counting(100, True, 0, 5000), None)
    back = unpack_steps(pack_steps(steps))
    for name in ("number", "low", "high", "mean", "last", "count", "doubtful", "rain"):
        assert np.array_equal(
            getattr(steps, name), getattr(back, name), equal_nan=name in ("low", "high", "mean", "last")
        )


def test_a_block_that_is_not_in_the_chunks_is_not_dropped() -> None:
    clean()
    store_block(columns_of([(1, START + 5, 1.0, GOOD)]), source="test", now=LATER)
    assert fold(LATER) == 1
    Chunk.objects.using(readings_alias()).all().delete()
    with pytest.raises(FoldError):
        drop_blocks(LATER + timedelta(days=9), timedelta(days=1))
    assert Block.objects.using(readings_alias()).count() == 1
