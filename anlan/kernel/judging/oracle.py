"""A plain judge, one series at a time from its sorted readings: readable, slow, and written apart from the kernel.

Tests hold the kernel to it. It is also what a person reads to know what a rule means. Never: used on the hot path.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence

from anlan.kernel.judging.cases import Combination
from anlan.kernel.judging.kernel import SeriesSpec, SlotSpec

Reading = tuple[int, int, int]  # series, event time in ms, value
SlotEdge = tuple[int, int, int]  # true_at, up, slot
CaseEdge = tuple[int, int, int]  # true_at, level from, level to
Row = list[tuple[int, int]]  # event time, value or number


def series_of(readings: Iterable[Reading], series: int) -> Row:
    """A series in event order; of two readings of one time the later arrival counts."""
    held: dict[int, int] = {}
    for number, at, value in readings:
        if number == series:
            held[at] = value
    return sorted(held.items())


def increments(spec: SeriesSpec, readings: Sequence[tuple[int, int]]) -> Row:
    """What each reading adds, never less than 0: itself, or its step from the one before where the series counts."""
    if not spec.counter:
        return [(at, max(value, 0)) for at, value in readings]
    out = [(readings[0][0], 0)] if readings else []
    for (_at, before), (at, value) in itertools.pairwise(readings):
        step = value - before
        if step < 0:
            rolled = step + spec.modulus
            step = rolled if spec.modulus and 0 < rolled <= spec.most else value
        out.append((at, max(step, 0) if step <= spec.most else 0))
    return out


def screened(spec: SeriesSpec, readings: Row) -> tuple[Row, Row]:
    """Readings that count, and the step of each reading from the last that counted before it.

    A step over `spike` is held for one reading. That one takes it back where it lies nearer to the value before.
    """
    if not readings:
        return [], []
    if not spec.spike:
        steps = [abs(b - a) for (_t, a), (_u, b) in itertools.pairwise(readings)]
        return readings, [(at, step) for (at, _v), step in zip(readings, [0, *steps], strict=True)]
    good: Row = []
    steps_of: Row = []
    held: tuple[int, int] | None = None
    accepted = readings[0][1]
    for at, value in readings:
        if held is not None:
            if abs(value - held[1]) <= abs(value - accepted):
                good.append(held)
                accepted = held[1]
            held = None
        step = abs(value - accepted)
        steps_of.append((at, step))
        if step > spec.spike:
            held = (at, value)
        else:
            good.append((at, value))
            accepted = value
    return good, steps_of


def numbers(spec: SeriesSpec, slot: SlotSpec, readings: Row) -> Row:
    """What a slot of any operator but silence is compared with, at each reading at which it is judged."""
    good, steps = screened(spec, readings)
    work: dict[str, Callable[[], Row]] = {
        "limit": lambda: good,
        "sum": lambda: _sums(increments(spec, good), slot.span_ms),
        "rise": lambda: [(at, value - before) for at, value, _t, before in _earlier(good, slot, slot.extra_ms)],
        "ahead": lambda: [
            (at, value + max(0, value - before) * slot.extra_ms // (at - then))
            for at, value, then, before in _earlier(good, slot, slot.span_ms)
        ],
        "unchanged": lambda: _unchanged(good),
        "spike": lambda: steps,
    }
    return work[slot.operator]()


def _sums(rain: Row, span: int) -> Row:
    return [(at, sum(amount for when, amount in rain if at - span < when <= at)) for at, _amount in rain]


def _earlier(good: Row, slot: SlotSpec, slack: int) -> list[tuple[int, int, int, int]]:
    """Each reading with the newest one that is older by the lag, where that is not too old."""
    out = []
    for at, value in good:
        before = [(then, old) for then, old in good if then <= at - slot.span_ms]
        if before and before[-1][0] >= at - slot.span_ms - slack:
            out.append((at, value, *before[-1]))
    return out


def _unchanged(good: Row) -> Row:
    out: Row = []
    for i, (at, value) in enumerate(good):
        start = i
        while start > 0 and good[start - 1][1] == value:
            start -= 1
        out.append((at, at - good[start][0]))
    return out


def judge_slot(series: SeriesSpec, slot: SlotSpec, readings: Row, clock: int) -> list[tuple[int, int]]:
    """(true_at, up) of one slot over a whole series."""
    if slot.operator == "silence":
        return _silence(slot, readings, clock)
    hold = slot.span_ms if slot.operator == "limit" else slot.hold_ms
    sign = -1 if slot.below else 1
    out: list[tuple[int, int]] = []
    on, since = False, None
    for at, raw in numbers(series, slot, readings):
        in_force = slot.from_ms <= at < slot.to_ms
        high = in_force and raw * sign >= slot.raise_at * sign
        since = None if not high else at if since is None else since
        if on and (not in_force or raw * sign < slot.clear_at * sign):
            on = False
            out.append((at, 0))
        elif not on and since is not None and at - since >= hold:
            on = True
            out.append((at, 1))
    return out


def _silence(slot: SlotSpec, readings: Row, clock: int) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for (at, _v), (after, _w) in itertools.pairwise(readings):
        if after > at + slot.span_ms:
            out += [(at + slot.span_ms, 1), (after, 0)]
    if readings and clock > readings[-1][0] + slot.span_ms:
        out.append((readings[-1][0] + slot.span_ms, 1))
    return out


def judge(
    series: Sequence[SeriesSpec],
    slots: Sequence[SlotSpec],
    readings: Sequence[Reading],
    clock: int,
    combinations: Sequence[Combination] = (),
) -> tuple[list[SlotEdge], dict[int, list[CaseEdge]]]:
    """Every slot's and every case's transitions, in event time."""
    edges: list[SlotEdge] = []
    ordered = [series_of(readings, number) for number in range(len(series))]
    for number, slot in enumerate(slots):
        found = judge_slot(series[slot.series], slot, ordered[slot.series], clock)
        edges += [(at, up, number) for at, up in found]
    cases = judge_cases(slots, edges)
    for whole in combinations:
        if found_edges := _combined(whole, cases):
            cases[whole.case] = found_edges
    return sorted(edges), cases


def judge_cases(slots: Sequence[SlotSpec], edges: Iterable[SlotEdge]) -> dict[int, list[CaseEdge]]:
    """The level of each case after each instant in which it changed."""
    out: dict[int, list[CaseEdge]] = {}
    ordered = sorted(edges)
    for case in {slot.case for slot in slots}:
        mine = [edge for edge in ordered if slots[edge[2]].case == case]
        level, on = 0, set[int]()
        for at in sorted({edge[0] for edge in mine}):
            on |= {slot for when, up, slot in mine if when == at and up}
            on -= {slot for when, up, slot in mine if when == at and not up}
            now = max((slots[slot].level for slot in on), default=0)
            if now != level:
                out.setdefault(case, []).append((at, level, now))
                level = now
    return out


def _combined(whole: Combination, cases: dict[int, list[CaseEdge]]) -> list[CaseEdge]:
    """The steps of a combination: its groups are looked at once for each instant in which a member changed."""
    members = {case for group in whole.groups for case, _least in group.members}
    out: list[CaseEdge] = []
    level = 0
    for at in sorted({edge[0] for case in members for edge in cases.get(case, [])}):
        standing = {case: next((e[2] for e in reversed(cases.get(case, [])) if e[0] <= at), 0) for case in members}
        met = [sum(standing[case] >= least for case, least in group.members) >= group.need for group in whole.groups]
        now = whole.level if (all(met) if whole.all else any(met)) else 0
        if now != level:
            out.append((at, level, now))
            level = now
    return out
