"""Kernel readings/s beside a plain judge, in one run: alternated, repeated, and every alarm compared with the truth.

The kernel does what it does on a site: batches of columns, the clock's tick, and the second pass over cases. All eight
rules of the workload are judged; the plain judge has no clock and no combination inside its time, which favours it.
"""

import gc
import statistics
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from anlan.kernel.judging.cases import Combination, Group
from anlan.kernel.judging.kernel import HORIZON_MS, Kernel, SeriesSpec, SlotSpec
from anlan.kernel.judging.warm import warm

# The peers are kept as they came, without types.
workload: Any = import_module("tests.bench.peers.workload")
scalar: Any = import_module("tests.bench.peers.scalar")

START_MS = 1_780_000_020_000
TICK_MS = 60_000
ROOM_FOR_100_MS = (HORIZON_MS * 5 // 4 + 24 * 3_600_000) // 100
"""As the interval of a series: its ring is made for a hundred readings, which is all that the big cases send."""
FIXED = 64
"""Every value of the workload is a multiple of 1/64."""
Alarms = list[tuple[str, int, int, int]]
Event = tuple[str, int, int, bool]


@dataclass(frozen=True)
class Case:
    """One size of the workload."""

    sensors: int
    ticks: int
    batch: int  # readings per call, in random order; 0 = one tick per call, in order of sensors
    warm: bool = True  # two calm days before; without, rings are empty when it begins
    plain: bool = True


@dataclass
class Measured:
    """Readings/s of each repeat, and what each judge got wrong (all zero, or the figure is worth nothing).
    batch_ms: median, 99 % and longest turn of the last repeat; snapshot_ms: how long taking one held up the next."""

    case: Case
    readings: int
    kernel: list[float]
    plain: list[float]
    alarms: int
    wrong: int
    batch_ms: tuple[float, float, float] = (0, 0, 0)
    snapshot_ms: float = 0

    def ratios(self) -> list[float]:
        """Kernel over the plain judge, pair by pair."""
        return [a / b for a, b in zip(self.kernel, self.plain, strict=False)]


def kernel_of(sensors: int, every_ms: int = TICK_MS) -> tuple[Kernel, dict[int, tuple[str, int]]]:
    """The workload's rules, and (rule, entity) of each case."""
    slots: list[SlotSpec] = []
    cases: dict[int, tuple[str, int]] = {}
    stations = sensors // workload.PER_STATION

    def case_of(rule: str, entity: int) -> int:
        number = len(cases)
        cases[number] = (rule, entity)
        return number

    members: list[tuple[list[int], list[int]]] = [([], []) for _ in range(stations)]
    for s in range(sensors):
        level_sensor = s % workload.PER_STATION < workload.LEVELS
        if level_sensor:
            hold, lag = workload.HOLD * TICK_MS, workload.ROC_LAG * TICK_MS
            case = case_of("THR", s)
            slots.append(SlotSpec(s, "limit", int(workload.HI * FIXED), int(workload.LO * FIXED), hold, case, 4))
            high, low = int(workload.ROC_HI * FIXED), int(workload.ROC_LO * FIXED)
            slots.append(SlotSpec(s, "rise", high, low, lag, case_of("ROC", s), 3))
            members[s // workload.PER_STATION][0].append(case)
        else:
            for rule, width, limit in workload.RAIN:
                clear = round(limit * workload.RAIN_CLEAR * FIXED)
                case = case_of(rule, s)
                slots.append(SlotSpec(s, "sum", round(limit * FIXED), clear, width * TICK_MS, case, 2))
                if rule == "R01":
                    members[s // workload.PER_STATION][1].append(case)
        slots.append(SlotSpec(s, "silence", 0, 0, workload.MIS_TICKS * TICK_MS, case_of("MIS", s), 1))
    combined = [
        Combination(
            case_of("CMB", station),
            4,
            (Group(2, tuple((case, 1) for case in levels)), Group(1, tuple((case, 1) for case in gauges))),
        )
        for station, (levels, gauges) in enumerate(members)
    ]
    series = [SeriesSpec(s, every_ms=every_ms) for s in range(sensors)]
    return Kernel(series, slots, combinations=combined), cases


class Stream:
    """The readings of one case, as each judge takes them."""

    def __init__(self, case: Case) -> None:
        values = workload.generate(case.sensors, case.ticks)
        self.case = case
        self.truth: Alarms = workload.truth(values) if case.plain else []
        s, t, x = workload.flat(values)
        self.lists = (s.tolist(), t.tolist(), x.tolist()) if case.plain else ([], [], [])
        if case.batch:
            order = np.lexsort((np.random.default_rng(5).random(len(t)), t))  # at random inside each tick
            s, t, x = s[order], t[order], x[order]
        self.series = s.astype(np.int64)
        self.times = START_MS + t.astype(np.int64) * TICK_MS
        self.values = np.rint(x * FIXED).astype(np.int64)
        ends = np.searchsorted(t, np.arange(case.ticks), "right").tolist()
        self.cuts = [self._cuts(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def _cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        size = self.case.batch or max(1, end - start)
        return [(a, min(a + size, end)) for a in range(start, end, size)]


def run_kernel(stream: Stream, out: Measured) -> tuple[float, Alarms]:
    """Seconds for the whole stream, and the alarms."""
    kernel, cases = kernel_of(stream.case.sensors, TICK_MS if stream.case.warm else ROOM_FOR_100_MS)
    if stream.case.warm:
        _days_before(kernel)
    heard, turns = [], []
    gc.collect()
    gc.disable()  # for both: it would look through the millions of numbers that the plain judge is given
    for tick, cuts in enumerate(stream.cuts):
        for a, b in cuts:
            begin = time.perf_counter()
            heard.append(kernel.judge_cases(kernel.ingest(stream.series[a:b], stream.times[a:b], stream.values[a:b])))
            turns.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        heard.append(kernel.judge_cases(kernel.tick(START_MS + tick * TICK_MS)))
        turns[-1] += time.perf_counter() - begin
    gc.enable()
    if stream.case.sensors <= 100_000:  # more than that is several shards
        assert kernel.fingerprint
        begin = time.perf_counter()
        kernel.snapshot()
        out.snapshot_ms = (time.perf_counter() - begin) * 1e3
    ms = np.array(turns) * 1e3
    out.batch_ms = (float(np.median(ms)), float(np.quantile(ms, 0.99)), float(ms.max()))
    events: list[Event] = []
    for steps in heard:
        for sign, rows in ((1, steps.added()), (-1, steps.vanished())):
            for step in rows:
                rule, entity = cases[step.case]
                # The kernel names the moment at which the silence passed its limit, the workload the first tick after.
                late = 1 if rule == "MIS" and step.level_to else 0
                event = (rule, entity, (step.true_at - START_MS) // TICK_MS + late, bool(step.level_to))
                events.append(event) if sign > 0 else events.remove(event)
    return sum(turns), _pair(events)


def _days_before(kernel: Kernel) -> None:
    """Two calm days, outside the clock: a site's kernel has its horizon full, so that memory grows no more."""
    count = len(kernel.series)
    numbers = np.arange(count)
    calm = np.where(numbers % workload.PER_STATION < workload.LEVELS, 2 * FIXED, 0)
    for minute in range(2 * HORIZON_MS // TICK_MS, 0, -1):
        kernel.ingest(numbers, np.full(count, START_MS - minute * TICK_MS), calm)


def run_plain(stream: Stream) -> tuple[float, Alarms]:
    """Seconds for the whole stream one reading at a time (combination and silence at the end are added outside them),
    and the alarms."""
    states = [scalar.Sensor(i % workload.PER_STATION >= workload.LEVELS) for i in range(stream.case.sensors)]
    events: list[Event] = []

    def emit(rule: str, entity: int, tick: int, raised: bool) -> None:
        events.append((rule, entity, tick, raised))

    step = scalar.step
    gc.disable()
    begin = time.perf_counter()
    for s, t, v in zip(*stream.lists, strict=True):
        step(states[s], s, t, v, emit)
    seconds = time.perf_counter() - begin
    gc.enable()
    last = {i: state.last for i, state in enumerate(states)}
    events += scalar.still_missing(last, stream.case.ticks - 1)
    return seconds, _pair(events + scalar.combine(events))


def _pair(events: list[Event]) -> Alarms:
    paired: Alarms = scalar.pair(sorted(events, key=lambda event: (event[2], event[3])))
    return paired


def wrong(got: Alarms, want: Alarms) -> int:
    """Alarms missed, added, or cleared at another tick."""
    found = workload.compare(got, want)
    return int(found["missed"] + found["extra"] + found["wrong_clear"])


def measure(case: Case, repeats: int) -> Measured:
    """Kernel and plain judge by turns, so that a busy neighbour meets both."""
    warm()
    stream = Stream(case)
    out = Measured(case, len(stream.series), [], [], len(stream.truth), 0)
    for _ in range(repeats):
        seconds, alarms = run_kernel(stream, out)
        out.kernel.append(out.readings / seconds)
        if case.plain:
            out.wrong += wrong(alarms, stream.truth)
            seconds, alarms = run_plain(stream)
            out.plain.append(out.readings / seconds)
            out.wrong += wrong(alarms, stream.truth)
    return out


def lines(results: list[Measured]) -> list[str]:
    """Rows of the table in docs/performance.md."""
    rows = [
        "| sensors × ticks | arrival | kernel, readings/s | ns each | plain judge | ratio, median (least–most) "
        "| a turn, ms: median, 99 %, longest | snapshot, ms | alarms, wrong |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for m in results:
        arrival = f"{m.case.batch:,} at random" if m.case.batch else "a tick at a time"
        kernel = statistics.median(m.kernel)
        plain, ratio, alarms = "–", "–", "–"
        if m.case.plain:
            ratios = m.ratios()
            plain = f"{statistics.median(m.plain) / 1e6:.2f} M"
            ratio = f"**{statistics.median(ratios):.1f}×** ({min(ratios):.1f}–{max(ratios):.1f})"
            alarms = f"{m.alarms:,}, {m.wrong}"
        turn = ", ".join(f"{ms:.3g}" for ms in m.batch_ms)
        rows.append(
            f"| {m.case.sensors:,} × {m.case.ticks:,} | {arrival} | {kernel / 1e6:.1f} M | {1e9 / kernel:.0f} "
            f"| {plain} | {ratio} | {turn} | {f'{m.snapshot_ms:.1f}' if m.snapshot_ms else '–'} | {alarms} |"
        )
    return rows


CASES = (
    Case(1_000, 1560, 0),
    Case(1_000, 1560, 100),
    Case(10_000, 400, 0),
    Case(10_000, 400, 1_000),
    Case(100_000, 100, 0, warm=False, plain=False),
    Case(100_000, 100, 1_000, warm=False, plain=False),
    Case(1_000_000, 100, 0, warm=False, plain=False),
)
