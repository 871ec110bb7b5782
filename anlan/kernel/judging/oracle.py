"""A plain judge, one series at a time from its sorted readings: readable, slow, and written apart from the kernel.

Tests hold the kernel to it. It is also what a person reads to know what a rule means. Never: used on the hot path.
"""

import itertools
from collections.abc import Iterable, Sequence

from anlan.kernel.judging.kernel import SeriesSpec, SlotSpec

Reading = tuple[int, int, int]  # series, event time in ms, value
SlotEdge = tuple[int, int, int]  # true_at, up, slot
CaseEdge = tuple[int, int, int]  # true_at, level from, level to


def series_of(readings: Iterable[Reading], series: int) -> list[tuple[int, int]]:
    """A series in event order; of two readings of one time the later arrival counts."""
    held: dict[int, int] = {}
    for number, at, value in readings:
        if number == series:
            held[at] = value
    return sorted(held.items())


def increments(spec: SeriesSpec, readings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What each reading adds: itself, or its step from the one before where the series is a counter."""
    if not spec.counter:
        return list(readings)
    out = [(readings[0][0], 0)] if readings else []
    for (_at, before), (at, value) in itertools.pairwise(readings):
        step = value - before
        if step < 0:
            rolled = step + spec.modulus
            step = rolled if spec.modulus and 0 < rolled <= spec.most else value
        out.append((at, step if step <= spec.most else 0))
    return out


def judge_slot(
    series: SeriesSpec, slot: SlotSpec, readings: Sequence[tuple[int, int]], clock: int
) -> list[tuple[int, int]]:
    """(true_at, up) of one slot over a whole series."""
    judges = {"limit": _limit, "sum": _sum}
    if slot.operator == "silence":
        return _silence(slot, readings, clock)
    return judges[slot.operator](series, slot, readings)


def _limit(_series: SeriesSpec, slot: SlotSpec, readings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    on, since = False, None
    for at, raw in readings:
        value, high, low = (-raw, -slot.raise_at, -slot.clear_at) if slot.below else (raw, slot.raise_at, slot.clear_at)
        since = None if value < high else at if since is None else since
        if not on and since is not None and at - since >= slot.span_ms:
            on = True
            out.append((at, 1))
        elif on and value < high and value < low:
            on = False
            out.append((at, 0))
    return out


def _sum(series: SeriesSpec, slot: SlotSpec, readings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    on = False
    rain = increments(series, readings)
    for at, _value in rain:
        total = sum(amount for when, amount in rain if at - slot.span_ms < when <= at)
        if not on and total >= slot.raise_at:
            on = True
            out.append((at, 1))
        elif on and total < slot.clear_at:
            on = False
            out.append((at, 0))
    return out


def _silence(slot: SlotSpec, readings: Sequence[tuple[int, int]], clock: int) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for (at, _v), (after, _w) in itertools.pairwise(readings):
        if after > at + slot.span_ms:
            out += [(at + slot.span_ms, 1), (after, 0)]
    if readings and clock > readings[-1][0] + slot.span_ms:
        out.append((readings[-1][0] + slot.span_ms, 1))
    return out


def judge(
    series: Sequence[SeriesSpec], slots: Sequence[SlotSpec], readings: Sequence[Reading], clock: int
) -> tuple[list[SlotEdge], dict[int, list[CaseEdge]]]:
    """Every slot's and every case's transitions, in event time."""
    edges: list[SlotEdge] = []
    ordered = [series_of(readings, number) for number in range(len(series))]
    for number, slot in enumerate(slots):
        found = judge_slot(series[slot.series], slot, ordered[slot.series], clock)
        edges += [(at, up, number) for at, up in found]
    return sorted(edges), judge_cases(slots, edges)


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
