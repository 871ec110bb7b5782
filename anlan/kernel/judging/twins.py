"""The operators once more with numpy, a whole series at a time: a second, independent way to the same transitions.

For trying a rule on long series, and to hold the compiled kernel to; see oracle.py for the plain one. Never: live.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from anlan.kernel.judging.kernel import SeriesSpec, SlotSpec

Ints = npt.NDArray[np.int64]


def judge_slot(series: SeriesSpec, slot: SlotSpec, times: Ints, values: Ints, clock: int) -> list[tuple[int, int]]:
    """(true_at, up) of one slot over a whole series in event order without repeats. A series with a spike limit must
    have been screened before (oracle.screened); the spike operator itself then takes the steps as values."""
    if slot.operator == "silence":
        return _silence(slot, times, clock)
    at, number = _numbers(series, slot, times, values)
    sign = -1 if slot.below else 1
    return _latch(at, number * sign, slot, sign)


def _numbers(series: SeriesSpec, slot: SlotSpec, times: Ints, values: Ints) -> tuple[Ints, Ints]:
    if slot.operator == "sum":
        total = np.concatenate([[0], np.cumsum(_increments(series, values))])
        return times, total[1:] - total[np.searchsorted(times, times - slot.span_ms, "right")]
    if slot.operator in ("rise", "ahead"):
        before = np.searchsorted(times, times - slot.span_ms, "right") - 1
        slack = slot.extra_ms if slot.operator == "rise" else slot.span_ms
        there = (before >= 0) & (times[before] >= times - slot.span_ms - slack)
        at, value, then, old = times[there], values[there], times[before[there]], values[before[there]]
        if slot.operator == "rise":
            return at, value - old
        return at, value + np.maximum(0, value - old) * slot.extra_ms // (at - then)
    if slot.operator == "unchanged":
        changed = np.ones(len(values), bool)
        changed[1:] = values[1:] != values[:-1]
        return times, times - times[_last_true(changed)]
    return times, values


def _increments(series: SeriesSpec, values: Ints) -> Ints:
    if not series.counter:
        return np.maximum(values, 0)
    step = np.diff(values, prepend=values[:1])
    rolled = step + series.modulus
    believable = (rolled > 0) & (rolled <= series.most) & (series.modulus > 0)
    step = np.where(step >= 0, step, np.where(believable, rolled, values))
    return np.where(step <= series.most, np.maximum(step, 0), 0)


def _last_true(mask: npt.NDArray[np.bool_]) -> Ints:
    """By position: the newest position up to it that is true, −1 = none."""
    found: Ints = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1)).astype(np.int64)
    return found


def _latch(at: Ints, number: Ints, slot: SlotSpec, sign: int) -> list[tuple[int, int]]:
    """Set by a run that has lasted for the hold, reset under the clear limit or where the slot is not in force."""
    if not len(at):
        return []
    in_force = (at >= slot.from_ms) & (at < slot.to_ms)
    high = in_force & (number >= slot.raise_at * sign)
    begins = high.copy()
    begins[1:] &= ~high[:-1]
    since = at[np.maximum(_last_true(begins), 0)]
    hold = slot.span_ms if slot.operator == "limit" else slot.hold_ms
    sets = high & (at - since >= hold)
    resets = ~in_force | (number < slot.clear_at * sign)
    spoken: Any = _last_true(sets | resets)
    on = np.where(spoken >= 0, sets[np.maximum(spoken, 0)], False).astype(np.int8)
    change = np.diff(on, prepend=np.int8(0))
    where = np.flatnonzero(change)
    return [(int(at[i]), int(on[i])) for i in where]


def _silence(slot: SlotSpec, times: Ints, clock: int) -> list[tuple[int, int]]:
    gaps = np.flatnonzero(np.diff(times) > slot.span_ms)
    out = []
    for i in gaps.tolist():
        out += [(int(times[i]) + slot.span_ms, 1), (int(times[i + 1]), 0)]
    if len(times) and clock > times[-1] + slot.span_ms:
        out.append((int(times[-1]) + slot.span_ms, 1))
    return out
