"""The kernel is the plain judge, whatever the order within the horizon, the repeats, the batches and the restarts."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.kernel.judging import core, layout, operators, oracle, passes, rejudge, twins
from anlan.kernel.judging.cases import Combination, Group, Steps
from anlan.kernel.judging.kernel import Kernel, SeriesSpec, SlotSpec, Transitions
from anlan.kernel.judging.oracle import Reading
from anlan.kernel.judging.snapshot import SnapshotMismatch

MINUTE = 60_000
START = 1_780_000_000_000
HORIZON = 60 * MINUTE

specs = st.builds(
    SeriesSpec,
    key=st.just(0),
    counter=st.booleans(),
    modulus=st.sampled_from([0, 1000]),
    most=st.sampled_from([300, 1 << 60]),
    spike=st.sampled_from([0, 0, 12]),
)


@st.composite
def one_slot(draw: st.DrawFn, series: int) -> SlotSpec:
    operator = draw(st.sampled_from(sorted(operators.OPERATORS)))
    limit = draw(st.integers(1, 60)) * (MINUTE if operator == "unchanged" else 1)
    below = draw(st.booleans()) and operator != "silence"
    start, end = sorted(draw(st.tuples(st.integers(-10, 200), st.integers(-10, 400))))
    dated = draw(st.booleans()) and operator != "silence"
    return SlotSpec(
        series=draw(st.integers(0, series - 1)),
        operator=operator,
        raise_at=limit,
        clear_at=limit + 5 if below else draw(st.integers(0, limit)),
        span_ms=draw(st.integers(0 if operator == "limit" else 1, 40)) * MINUTE,
        case=draw(st.integers(0, 2)),
        level=draw(st.integers(1, 4)),
        below=below,
        extra_ms=draw(st.integers(0, 20)) * MINUTE if operator in ("rise", "ahead") else 0,
        hold_ms=draw(st.sampled_from([0, 0, 6])) * MINUTE if operator not in ("limit", "silence") else 0,
        from_ms=START + start * MINUTE if dated else -layout.FAR,
        to_ms=START + end * MINUTE if dated else layout.FAR,
    )


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[SeriesSpec], list[SlotSpec], list[Reading]]:
    """Series, slots and readings in order of arrival: shuffled within the horizon, some repeated."""
    count = draw(st.integers(1, 3))
    series = draw(st.lists(specs, min_size=count, max_size=count))
    slots = draw(st.lists(one_slot(count), min_size=1, max_size=6))
    plain = []
    for s in range(count):
        at = START
        for _ in range(draw(st.integers(0, 40))):
            at += draw(st.sampled_from([1, 1, 2, 5, 7, 30, 90])) * MINUTE
            plain.append((s, at, draw(st.integers(0, 30) if not series[s].counter else st.integers(0, 999))))
    # A reading may be late by less than the horizon: sort by event time plus a delay.
    delays = draw(st.lists(st.integers(0, HORIZON // 2 - 1), min_size=len(plain), max_size=len(plain)))
    arrived = [r for _key, r in sorted(zip([p[1] + d for p, d in zip(plain, delays, strict=True)], plain, strict=True))]
    for _ in range(draw(st.integers(0, 4)) if arrived else 0):
        where = draw(st.integers(0, len(arrived) - 1))
        again = arrived[where]
        newest = max(t for s, t, _v in arrived[: where + 3] if s == again[0])
        if again[1] >= newest - HORIZON // 2:
            arrived.insert(min(where + 2, len(arrived)), again)
    return series, slots, arrived


@st.composite
def combinations(draw: st.DrawFn) -> list[Combination]:
    """Cases 3 and 4 out of cases 0–2."""
    out = []
    for case in range(3, 3 + draw(st.integers(0, 2))):
        groups = draw(
            st.lists(
                st.builds(
                    Group,
                    need=st.integers(1, 2),
                    members=st.lists(
                        st.tuples(st.integers(0, 2), st.integers(1, 4)),
                        min_size=1,
                        max_size=3,
                        unique_by=lambda m: m[0],
                    ).map(tuple),
                ),
                min_size=1,
                max_size=2,
            )
        )
        out.append(Combination(case, draw(st.integers(1, 4)), tuple(groups), draw(st.booleans())))
    return out


class Ledger:
    """What a reader of the kernel's output believes: transitions added and taken back."""

    def __init__(self) -> None:
        self.slots: Counter[tuple[int, int, int]] = Counter()
        self.cases: dict[int, Counter[tuple[int, int, int]]] = {}

    def take(self, transitions: Transitions, changes: Steps) -> None:
        for slot, up, true_at, _value, change in transitions.rows():
            self.slots[(true_at, up, slot)] += -1 if change == operators.VANISHED else 1
        for step, sign in [(s, 1) for s in changes.added()] + [(s, -1) for s in changes.vanished()]:
            self.cases.setdefault(step.case, Counter())[(step.true_at, step.level_from, step.level_to)] += sign

    def believed(self) -> tuple[list[Any], dict[int, list[Any]]]:
        assert all(n in (0, 1) for n in self.slots.values())
        cases = {case: sorted(+steps) for case, steps in self.cases.items() if +steps}
        return sorted(+self.slots), cases


def record_of(readings: list[Reading]) -> Callable[[int], tuple[Any, Any, Any]]:
    """What a database would give back of the readings from an event time on, in order of arrival."""

    def since(at: int) -> tuple[Any, Any, Any]:
        kept = np.array([r for r in readings if r[1] >= at], np.int64).reshape(-1, 3)
        return kept[:, 0], kept[:, 1], kept[:, 2]

    return since


def run(
    series: list[SeriesSpec],
    slots: list[SlotSpec],
    readings: list[Reading],
    cuts: list[int],
    restart: bool,
    combined: list[Combination],
) -> tuple[list[Any], dict[int, list[Any]]]:
    kernel, ledger = Kernel(series, slots, HORIZON, combined), Ledger()
    edges = [0, *sorted(cut % (len(readings) + 1) for cut in cuts), len(readings)]
    for a, b in itertools.pairwise(edges):
        batch = np.array(readings[a:b], np.int64).reshape(-1, 3)
        found = kernel.ingest(batch[:, 0], batch[:, 1], batch[:, 2])
        ledger.take(found, kernel.judge_cases(found))
        if restart:
            taken = kernel.snapshot()
            kernel = Kernel(series, slots, HORIZON, combined)
            kernel.restore(taken, record_of(readings[:b]))
        if b:
            found = kernel.tick(max(r[1] for r in readings[:b]))
            ledger.take(found, kernel.judge_cases(found))
    assert kernel.stale == 0
    return ledger.believed()


@settings(max_examples=500, deadline=None)
@given(streams(), st.lists(st.integers(0, 500), max_size=6), st.booleans(), combinations())
def test_kernel_is_the_plain_judge(
    stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]],
    cuts: list[int],
    restart: bool,
    combined: list[Combination],
) -> None:
    series, slots, readings = stream
    clock = max((r[1] for r in readings), default=0)
    want_slots, want_cases = oracle.judge(series, slots, readings, clock, combined)
    got_slots, got_cases = run(series, slots, readings, cuts, restart, combined)
    assert set(got_slots) ^ set(want_slots) == set()
    assert got_cases == want_cases


@settings(max_examples=400, deadline=None)
@given(streams())
def test_numpy_twin_is_the_plain_judge(stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]]) -> None:
    series, slots, readings = stream
    clock = max((r[1] for r in readings), default=0)
    for slot in slots:
        spec = series[slot.series]
        ordered = oracle.series_of(readings, slot.series)
        good, steps = oracle.screened(spec, ordered)
        given_ = {"spike": steps, "silence": ordered}.get(slot.operator, good)
        times, values = (np.array([row[c] for row in given_], np.int64) for c in (0, 1))
        want = oracle.judge_slot(spec, slot, ordered, clock)
        assert twins.judge_slot(spec, slot, times, values, clock) == want


@settings(max_examples=200, deadline=None)
@given(streams(), st.integers(0, 500))
def test_snapshot_and_replay_is_an_uninterrupted_run(
    stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]], cut: int
) -> None:
    series, slots, readings = stream
    cut %= len(readings) + 1
    batch = np.array(readings, np.int64).reshape(-1, 3)
    whole, broken = Kernel(series, slots, HORIZON), Kernel(series, slots, HORIZON)
    whole.judge_cases(whole.ingest(*batch[:cut].T))
    middle = whole.snapshot()
    expected = whole.ingest(*batch[cut:].T)
    expected_cases = whole.judge_cases(expected)
    broken.restore(middle, record_of(readings[:cut]))
    got = broken.ingest(*batch[cut:].T)
    assert got.rows() == expected.rows()
    assert broken.judge_cases(got).table.tolist() == expected_cases.table.tolist()


@settings(max_examples=200, deadline=None)
@given(streams(), st.sets(st.integers(0, 100), max_size=6))
def test_a_withdrawn_reading_never_was(
    stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]], which: set[int]
) -> None:
    series, slots, readings = stream
    gone = {(s, t) for s, t, _v in (readings[i % len(readings)] for i in which)} if readings else set()
    kernel, ledger = Kernel(series, slots, 1000 * HORIZON), Ledger()
    found = kernel.ingest(*np.array(readings, np.int64).reshape(-1, 3).T)
    ledger.take(found, kernel.judge_cases(found))
    for s, t in sorted(gone):
        found = kernel.withdraw(s, [t])
        ledger.take(found, kernel.judge_cases(found))
    left = [r for r in readings if r[:2] not in gone]
    assert ledger.believed() == oracle.judge(series, slots, left, 0)


@settings(max_examples=60, deadline=None)
@given(streams())
def test_python_twin_is_the_compiled_kernel(stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]]) -> None:
    series, slots, readings = stream
    batch = np.array(readings, np.int64).reshape(-1, 3)
    kernel = Kernel(series, slots, HORIZON)
    compiled = kernel.ingest(*batch.T)
    steps = kernel.judge_cases(compiled).table.tolist()
    with uncompiled():
        plain = Kernel(series, slots, HORIZON)
        found = plain.ingest(*batch.T)
        assert found.rows() == compiled.rows()
        assert plain.judge_cases(found).table.tolist() == steps


@contextmanager
def uncompiled() -> Iterator[None]:
    """The same loops as they are where numba is missing."""
    saved = [
        (module, name, thing)
        for module in (operators, core, rejudge, passes)
        for name, thing in vars(module).items()
        if hasattr(thing, "py_func")
    ]
    try:
        for module, name, thing in saved:
            setattr(module, name, thing.py_func)
        yield
    finally:
        for module, name, thing in saved:
            setattr(module, name, thing)


def test_a_reading_behind_the_horizon_is_counted_and_not_judged() -> None:
    kernel = Kernel([SeriesSpec(1)], [SlotSpec(0, "limit", 10, 8, 0, 0, 4)], HORIZON)
    kernel.ingest([0], [START + 2 * HORIZON], [0])
    found = kernel.ingest([0], [START], [99])
    assert len(found) == 0
    assert kernel.stale == 1


def test_a_conflicting_repeat_wins_and_takes_back_the_raise() -> None:
    kernel = Kernel([SeriesSpec(1)], [SlotSpec(0, "limit", 10, 8, 0, 0, 4)], HORIZON)
    first = kernel.ingest([0, 0], [START, START + MINUTE], [0, 99], known_at=1)
    assert [step.level_to for step in kernel.judge_cases(first).added()] == [4]
    again = kernel.ingest([0], [START + MINUTE], [1], known_at=2)
    changes = kernel.judge_cases(again)
    assert (kernel.cases.level(0), len(changes.added()), len(changes.vanished())) == (0, 0, 1)


def test_long_runs_stay_bounded_and_equal() -> None:
    """Many times the horizon on one series: old readings are forgotten, the sums stay exact."""
    rng = np.random.default_rng(3)
    series = [SeriesSpec(1, counter=True, modulus=10_000, most=9_000)]
    slots = [
        SlotSpec(0, "sum", 400, 300, 30 * MINUTE, 0, 2),
        SlotSpec(0, "sum", 900, 700, 100 * MINUTE, 0, 3),
        SlotSpec(0, "silence", 0, 0, 7 * MINUTE, 1, 1),
    ]
    times = START + np.cumsum(rng.integers(1, 9, 3000)) * MINUTE
    values = np.cumsum(rng.integers(0, 60, 3000)) % 10_000
    kernel, ledger = Kernel(series, slots, HORIZON), Ledger()
    for a in range(0, 3000, 50):
        found = kernel.ingest(np.zeros(50), times[a : a + 50], values[a : a + 50])
        ledger.take(found, kernel.judge_cases(found))
    readings = [(0, int(t), int(v)) for t, v in zip(times, values, strict=True)]
    got, _cases = ledger.believed()
    assert got == oracle.judge(series, slots, readings, 0)[0]
    kernel.tick(int(times[-1]))
    kernel.fold()
    assert len(kernel.snapshot()) < 20_000
    assert len(kernel.book.R) <= 8 * 512 * 2  # rings of eight lanes


def test_a_held_step_is_judged_when_the_next_reading_or_a_neighbour_bears_it_out() -> None:
    series = [SeriesSpec(1, counter=True, spike=50)]
    slots = [SlotSpec(0, "sum", 60, 40, 60 * MINUTE, 0, 4)]

    def kernel_with(*values: int) -> tuple[Kernel, list[list[int]]]:
        kernel = Kernel(series, slots, HORIZON)
        found = kernel.ingest([0] * len(values), [START + i * MINUTE for i in range(len(values))], list(values))
        return kernel, found.rows()

    assert kernel_with(0, 80)[1] == []
    assert kernel_with(0, 80, 81)[1] == [[0, 1, START + MINUTE, 80, 0]]
    assert kernel_with(0, 80, 1)[1] == []
    kernel, _none = kernel_with(0, 80)
    assert kernel.held().tolist() == [0]
    assert kernel.release(0).rows() == [[0, 1, START + MINUTE, 80, 1]]
    assert kernel.held().tolist() == []


def test_a_snapshot_that_the_record_does_not_bear_out_is_refused() -> None:
    slots = [SlotSpec(0, "limit", 10, 8, 0, 0, 4)]
    kernel = Kernel([SeriesSpec(1)], slots, HORIZON)
    kernel.ingest([0, 0], [START, START + MINUTE], [1, 2])
    taken = kernel.snapshot()
    with pytest.raises(SnapshotMismatch):
        Kernel([SeriesSpec(1)], slots, HORIZON).restore(taken, record_of([(0, START, 1)]))
    with pytest.raises(SnapshotMismatch):
        Kernel([SeriesSpec(1, counter=True)], slots, HORIZON).restore(taken, record_of([]))
