"""The kernel is the plain judge, whatever the order within the horizon, the repeats, the batches and the restarts."""

import itertools
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.kernel.judging import core, operators, oracle
from anlan.kernel.judging.cases import CaseChange
from anlan.kernel.judging.kernel import Kernel, SeriesSpec, SlotSpec, Transitions
from anlan.kernel.judging.oracle import Reading

MINUTE = 60_000
START = 1_780_000_000_000
HORIZON = 60 * MINUTE

specs = st.builds(
    SeriesSpec,
    key=st.just(0),
    counter=st.booleans(),
    modulus=st.sampled_from([0, 1000]),
    most=st.sampled_from([300, 1 << 60]),
)


@st.composite
def slot_lists(draw: st.DrawFn, series: int) -> list[SlotSpec]:
    out = []
    for _ in range(draw(st.integers(1, 6))):
        limit = draw(st.integers(1, 60))
        below = draw(st.booleans())
        out.append(
            SlotSpec(
                series=draw(st.integers(0, series - 1)),
                operator=(operator := draw(st.sampled_from(sorted(operators.OPERATORS)))),
                raise_at=limit,
                clear_at=limit + 5 if below and operator == "limit" else draw(st.integers(0, limit)),
                span_ms=draw(st.integers(0 if operator == "limit" else 1, 40)) * MINUTE,
                case=draw(st.integers(0, 2)),
                level=draw(st.integers(1, 4)),
                below=below and operator == "limit",
            )
        )
    return out


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[SeriesSpec], list[SlotSpec], list[Reading]]:
    """Series, slots and readings in order of arrival: shuffled within the horizon, some repeated."""
    count = draw(st.integers(1, 3))
    series = draw(st.lists(specs, min_size=count, max_size=count))
    slots = draw(slot_lists(count))
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


class Ledger:
    """What a reader of the kernel's output believes: transitions added and taken back."""

    def __init__(self) -> None:
        self.slots: Counter[tuple[int, int, int]] = Counter()
        self.cases: dict[int, Counter[tuple[int, int, int]]] = {}

    def take(self, transitions: Transitions, changes: list[CaseChange]) -> None:
        for slot, up, true_at, _value, change in transitions.rows():
            self.slots[(true_at, up, slot)] += -1 if change == operators.VANISHED else 1
        for change_of in changes:
            steps = self.cases.setdefault(change_of.case, Counter())
            steps.update((s.true_at, s.level_from, s.level_to) for s in change_of.added)
            steps.subtract((s.true_at, s.level_from, s.level_to) for s in change_of.vanished)

    def believed(self) -> tuple[list[Any], dict[int, list[Any]]]:
        assert all(n in (0, 1) for n in self.slots.values())
        cases = {case: sorted(+steps) for case, steps in self.cases.items() if +steps}
        return sorted(+self.slots), cases


def run(
    series: list[SeriesSpec], slots: list[SlotSpec], readings: list[Reading], cuts: list[int], restart: bool
) -> tuple[list[Any], dict[int, list[Any]]]:
    kernel, ledger = Kernel(series, slots, HORIZON), Ledger()
    edges = [0, *sorted(cut % (len(readings) + 1) for cut in cuts), len(readings)]
    for a, b in itertools.pairwise(edges):
        batch = np.array(readings[a:b], np.int64).reshape(-1, 3)
        found = kernel.ingest(batch[:, 0], batch[:, 1], batch[:, 2])
        ledger.take(found, kernel.judge_cases(found))
        if restart:
            bytes_of = kernel.snapshot()
            kernel = Kernel(series, slots, HORIZON)
            kernel.restore(bytes_of)
        if b:
            found = kernel.tick(max(r[1] for r in readings[:b]))
            ledger.take(found, kernel.judge_cases(found))
    assert kernel.stale == 0
    return ledger.believed()


@settings(max_examples=400, deadline=None)
@given(streams(), st.lists(st.integers(0, 500), max_size=6), st.booleans())
def test_kernel_is_the_plain_judge(
    stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]], cuts: list[int], restart: bool
) -> None:
    series, slots, readings = stream
    clock = max((r[1] for r in readings), default=0)
    want_slots, want_cases = oracle.judge(series, slots, readings, clock)
    got_slots, got_cases = run(series, slots, readings, cuts, restart)
    assert got_slots == want_slots
    assert got_cases == want_cases


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
    broken.restore(middle)
    got = broken.ingest(*batch[cut:].T)
    assert got.rows() == expected.rows()
    assert broken.judge_cases(got) == expected_cases
    assert broken.snapshot() == whole.snapshot()


@settings(max_examples=60, deadline=None)
@given(streams())
def test_python_twin_is_the_compiled_kernel(stream: tuple[list[SeriesSpec], list[SlotSpec], list[Reading]]) -> None:
    series, slots, readings = stream
    batch = np.array(readings, np.int64).reshape(-1, 3)
    kernel = Kernel(series, slots, HORIZON)
    compiled = kernel.ingest(*batch.T).rows()
    plain = twin(Kernel(series, slots, HORIZON), batch)
    assert plain == compiled


def twin(kernel: Kernel, batch: Any) -> list[list[int]]:
    """The same inner loops without numba, one reading at a time."""
    loops = ("ingest", "make_room", "settle", "move", "again", "walk", "late", "rerun", "silent_now", "holds")
    steps = ("limit_step", "sum_step", "silence_step", "increment", "emit", "slot_count")
    saved = {name: getattr(core, name) for name in (*loops, *steps)}
    try:
        for name, compiled in saved.items():
            setattr(core, name, getattr(compiled, "py_func", compiled))
        return kernel.ingest(*batch.T).rows()
    finally:
        for name, compiled in saved.items():
            setattr(core, name, compiled)


def test_a_reading_behind_the_horizon_is_counted_and_not_judged() -> None:
    kernel = Kernel([SeriesSpec(1)], [SlotSpec(0, "limit", 10, 8, 0, 0, 4)], HORIZON)
    kernel.ingest([0], [START + 2 * HORIZON], [0])
    found = kernel.ingest([0], [START], [99])
    assert len(found) == 0
    assert kernel.stale == 1


def test_a_conflicting_repeat_wins_and_takes_back_the_raise() -> None:
    kernel = Kernel([SeriesSpec(1)], [SlotSpec(0, "limit", 10, 8, 0, 0, 4)], HORIZON)
    first = kernel.ingest([0, 0], [START, START + MINUTE], [0, 99], known_at=1)
    assert [c.level for c in kernel.judge_cases(first)] == [4]
    again = kernel.ingest([0], [START + MINUTE], [1], known_at=2)
    (change,) = kernel.judge_cases(again)
    assert (change.level, len(change.added), len(change.vanished)) == (0, 0, 1)


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
    assert kernel._book.cap[0] <= 256
