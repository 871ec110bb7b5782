"""Kernel readings/s beside a plain judge, in one run: alternated, repeated, and every alarm compared with the truth.

The kernel does what it does on a site: batches of columns, the clock's tick, and the second pass over cases.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from anlan.kernel.judging.kernel import HORIZON_MS, Kernel, SeriesSpec, SlotSpec

# The peers are kept as they came, without types.
workload: Any = import_module("tests.bench.peers.workload")
scalar: Any = import_module("tests.bench.peers.scalar")
same_rules: Any = import_module("tests.bench.peers.same_rules")

START_MS = 1_780_000_020_000
TICK_MS = 60_000
FIXED = 64
"""Every value of the workload is a multiple of 1/64."""
RULES = ("THR", "MIS", "R01", "R03", "R06", "R24")
"""The rules of the workload whose operators the kernel has. ROC (a difference over time) and CMB (several sensors of a
station) are not built."""
Alarms = list[tuple[str, int, int, int]]
Event = tuple[str, int, int, bool]


@dataclass(frozen=True)
class Case:
    """One size of the workload."""

    sensors: int
    ticks: int
    batch: int  # readings per call, in random order; 0 = one tick per call, in order of sensors


@dataclass
class Measured:
    """Readings/s of each repeat, and what each judge got wrong (all zero, or the figure is worth nothing)."""

    case: Case
    readings: int
    kernel: list[float]
    plain: list[float]
    plain_all: list[float]
    alarms: int
    wrong: int

    def ratios(self) -> list[float]:
        """Kernel over the plain judge with the same rules, pair by pair."""
        return [a / b for a, b in zip(self.kernel, self.plain, strict=True)]


def specs(sensors: int) -> tuple[list[SeriesSpec], list[SlotSpec], list[str]]:
    """The workload's rules as series and slots, and the rule of each slot."""
    slots, rules = [], []
    for s in range(sensors):
        if s % workload.PER_STATION < workload.LEVELS:
            hold = workload.HOLD * TICK_MS
            high, low = int(workload.HI * FIXED), int(workload.LO * FIXED)
            slots.append(SlotSpec(s, "limit", high, low, hold, 2 * s, 4))
            rules.append("THR")
        else:
            for level, (rule, width, limit) in enumerate(workload.RAIN, 1):
                clear = round(limit * workload.RAIN_CLEAR * FIXED)
                slots.append(SlotSpec(s, "sum", round(limit * FIXED), clear, width * TICK_MS, 2 * s, level))
                rules.append(rule)
        slots.append(SlotSpec(s, "silence", 0, 0, workload.MIS_TICKS * TICK_MS, 2 * s + 1, 1))
        rules.append("MIS")
    return [SeriesSpec(s) for s in range(sensors)], slots, rules


class Stream:
    """The readings of one case, as each judge takes them."""

    def __init__(self, case: Case) -> None:
        values = workload.generate(case.sensors, case.ticks)
        self.case = case
        self.truth: Alarms = [alarm for alarm in workload.truth(values) if alarm[0] in RULES]
        s, t, x = workload.flat(values)
        self.lists = s.tolist(), t.tolist(), x.tolist()
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


def run_kernel(stream: Stream) -> tuple[float, Alarms]:
    """Seconds for the whole stream, and the alarms."""
    series, slots, rules = specs(stream.case.sensors)
    kernel = Kernel(series, slots)
    _days_before(kernel)
    heard = []
    begin = time.perf_counter()
    for tick, cuts in enumerate(stream.cuts):
        for a, b in cuts:
            found = kernel.ingest(stream.series[a:b], stream.times[a:b], stream.values[a:b])
            kernel.judge_cases(found)
            heard.append(found)
        found = kernel.tick(START_MS + tick * TICK_MS)
        kernel.judge_cases(found)
        heard.append(found)
    seconds = time.perf_counter() - begin
    events: list[Event] = []
    for found in heard:
        for slot, up, at, _value, _change in found.rows():
            rule = rules[slot]
            # The kernel names the moment at which the silence passed its limit, the workload the first tick after it.
            late = 1 if rule == "MIS" and up else 0
            events.append((rule, slots[slot].series, (at - START_MS) // TICK_MS + late, bool(up)))
    return seconds, _pair(events)


def _days_before(kernel: Kernel) -> None:
    """Two calm days, outside the clock: a site's kernel has its horizon full, so that old readings are settled as new
    ones come and memory grows no more."""
    count = len(kernel.series)
    numbers = np.arange(count)
    calm = np.where(numbers % workload.PER_STATION < workload.LEVELS, 2 * FIXED, 0)
    for minute in range(2 * HORIZON_MS // TICK_MS, 0, -1):
        kernel.ingest(numbers, np.full(count, START_MS - minute * TICK_MS), calm)


def run_plain(stream: Stream, step: Callable[..., None]) -> tuple[float, Alarms]:
    """Seconds for the whole stream one reading at a time, and the alarms."""
    states = [scalar.Sensor(i % workload.PER_STATION >= workload.LEVELS) for i in range(stream.case.sensors)]
    events: list[Event] = []

    def emit(rule: str, entity: int, tick: int, raised: bool) -> None:
        events.append((rule, entity, tick, raised))

    begin = time.perf_counter()
    for s, t, v in zip(*stream.lists, strict=True):
        step(states[s], s, t, v, emit)
    seconds = time.perf_counter() - begin
    last = {i: state.last for i, state in enumerate(states)}
    events += scalar.still_missing(last, stream.case.ticks - 1)
    return seconds, _pair([event for event in events if event[0] in RULES])


def _pair(events: list[Event]) -> Alarms:
    paired: Alarms = scalar.pair(sorted(events, key=lambda event: (event[2], event[3])))
    return paired


def wrong(got: Alarms, want: Alarms) -> int:
    """Alarms missed, added, or cleared at another tick."""
    found = workload.compare(got, want)
    return int(found["missed"] + found["extra"] + found["wrong_clear"])


def measure(case: Case, repeats: int) -> Measured:
    """Kernel and plain judge by turns, so that a busy neighbour meets both."""
    stream = Stream(case)
    out = Measured(case, len(stream.series), [], [], [], len(stream.truth), 0)
    for _ in range(repeats):
        for times, (seconds, alarms) in (
            (out.kernel, run_kernel(stream)),
            (out.plain, run_plain(stream, same_rules.step)),
            (out.plain_all, run_plain(stream, scalar.step)),
        ):
            times.append(out.readings / seconds)
            out.wrong += wrong(alarms, stream.truth)
    return out


def lines(results: list[Measured]) -> list[str]:
    """Rows of the table in docs/performance.md."""
    rows = [
        "| sensors × ticks | arrival | kernel, readings/s | plain judge, same rules | plain judge, all its rules "
        "| ratio, median (least–most) | alarms, wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for m in results:
        arrival = f"{m.case.batch:,} at random" if m.case.batch else "a tick at a time"
        kernel, plain, full = (statistics.median(x) / 1e6 for x in (m.kernel, m.plain, m.plain_all))
        ratios = m.ratios()
        rows.append(
            f"| {m.case.sensors:,} × {m.case.ticks:,} | {arrival} | {kernel:.1f} M | {plain:.2f} M | {full:.2f} M "
            f"| **{statistics.median(ratios):.1f}×** ({min(ratios):.1f}–{max(ratios):.1f}) "
            f"| {m.alarms:,}, {m.wrong} |"
        )
    return rows


CASES = (Case(1_000, 1560, 0), Case(1_000, 1560, 100), Case(4_000, 400, 0), Case(4_000, 400, 1_000))
