"""One series over any range, an hour or twenty years, as the points of a chart: readings, or steps out of roll-ups.

The step follows the length of the range, so that a chart is some hundred to a few thousand points and a year costs no
more than a day. Days whose roll-ups are not up to date (today; a late reading) are counted from their readings: a chart
never waits for the worker and never shows another figure than the readings would.
Never: a zero or a line where nothing was heard; whoever draws is told where to break it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge

import numpy as np
from django.db.models import Min

from .blocks import FUTURE, GOOD, WITHDRAWN, Columns
from .chunks import DAY_MS, HOUR_MS, day_of, only
from .codec import Floats, Ints
from .folding import next_days, progress, roll_ups
from .models import Chunk, RollUp, Unrolled
from .reader import stored_readings, tail
from .rollups import STEPS, Counting, Steps, counted, nothing, replaced, shares, steps_of, unpack_steps
from .router import readings_alias

READINGS_MOST = 3000
RAW_RANGE_MS = 8 * DAY_MS
HOURS_RANGE_MS = 130 * DAY_MS
RAIN_HOURS_MS = 32 * DAY_MS
RAIN_FINE_MS = 7 * HOUR_MS
FINE_STEPS = (60_000, 300_000, 600_000, 1_800_000, HOUR_MS)
KINDS = ("reading", "hour", "day")


@dataclass(frozen=True)
class Points:
    """A series as a chart shows it. step_ms: 0 = single readings, else each point stands at the end of its step.

    value: the reading, or the mean of the step; of rain what fell (mm). low, high: of the step, empty for readings and
    rain. quality: of a reading; of a step GOOD. doubtful: how many readings of the step do not count.
    """

    step_ms: int
    times: Ints
    value: Floats
    low: Floats
    high: Floats
    count: Ints
    quality: Ints
    doubtful: Ints

    def __len__(self) -> int:
        return len(self.times)


def forecast_points(series: int, low: int, high: int) -> Points:
    """What a forecast says of low < time ≤ high: its readings, those dated in the future too, for that is their use."""
    found = stored_readings([series], low, high)
    found = only(found, found.quality != WITHDRAWN)
    found.quality[found.quality == FUTURE] = GOOD
    return _of_readings(series, found, low, None)


def points(series: int, low: int, high: int, counting: Counting | None, step: str = "") -> Points:
    """What a series says in low < time ≤ high (Unix ms); the steps at both ends are whole. counting: it is rain.

    step: one of KINDS, "" = by the length of the range. Single readings that are no longer kept come as hours.
    """
    chosen = step or _step_for(high - low, counting is not None)
    raw_from = progress().raw_from
    if chosen == "reading" and raw_from is not None and day_of(low + 1) < raw_from:
        chosen = "hour"
    if chosen != "reading":
        return _of_steps(_rolled(series, low, high, counting, chosen[0]), STEPS[chosen[0]], counting)
    found = stored_readings([series], low, high)
    found = only(found, ~np.isin(found.quality, (FUTURE, WITHDRAWN)))
    if len(found) <= READINGS_MOST and (counting is None or step or high - low <= RAIN_FINE_MS):
        return _of_readings(series, found, low, counting)
    size = next((one for one in FINE_STEPS if (high - low) // one <= READINGS_MOST // 2), HOUR_MS)
    size = size if counting is None else max(size, HOUR_MS) if high - low > RAIN_FINE_MS else max(size, 300_000)
    start = low // size * size
    wider = stored_readings([series], start, -(-high // size) * size)
    return _of_steps(steps_of(wider, size, counting, _before(series, start, counting)), size, counting)


def first_at(series: Iterable[int]) -> int | None:
    """The beginning (Unix ms) of the first day that any of these series is kept of, folded days only; None = none."""
    wanted, alias = set(series), readings_alias()
    chunks = Chunk.objects.using(alias).filter(series__in=wanted).aggregate(first=Min("day"))["first"]
    days = [] if chunks is None else [chunks]
    rows = RollUp.objects.using(alias).filter(series__in=wanted, step="d").order_by("period")
    for packed in rows.values_list("packed", flat=True)[: len(wanted)]:
        days += (unpack_steps(bytes(packed)).number[:1] - 1).tolist()
    return min(days) * DAY_MS if days else None


def _step_for(length: int, rain: bool) -> str:
    if length <= RAW_RANGE_MS:
        return "reading"
    return "hour" if length <= (RAIN_HOURS_MS if rain else HOURS_RANGE_MS) else "day"


def _of_readings(series: int, found: Columns, low: int, counting: Counting | None) -> Points:
    none, gap = np.empty(0, np.int64), np.empty(0)
    value = found.values.copy()
    if counting is not None:
        good = counted(found)
        value[good] = shares(counting, found.values[good], _before(series, low, counting)) / counting.scale
        value[~good] = np.nan  # a running total that is not counted says nothing of what fell
    ones = np.ones(len(found), np.int64)
    return Points(0, found.times, value, gap, gap, ones, found.quality.astype(np.int64), none)


def _of_steps(steps: Steps, size: int, counting: Counting | None) -> Points:
    gap = np.empty(0)
    good = np.full(len(steps), GOOD, np.int64)
    value = steps.mean if counting is None else np.where(steps.count > 0, steps.rain / counting.scale, np.nan)
    low, high = (steps.low, steps.high) if counting is None else (gap, gap)
    return Points(size, steps.number * size, value, low, high, steps.count, good, steps.doubtful)


def _before(series: int, at: int, counting: Counting | None) -> float | None:
    """The value that a running total had before a moment (time ≤ at), however long ago."""
    if counting is None or not counting.counter:
        return None
    last = day_of(at)
    folded = Chunk.objects.using(readings_alias()).filter(series=series, day__lte=last).order_by("-day")
    waiting = sorted(_days(tail([series], 0, at), series), reverse=True)
    for day in merge(folded.values_list("day", flat=True).iterator(chunk_size=4), waiting, reverse=True):
        rows = stored_readings([series], day * DAY_MS, min((day + 1) * DAY_MS, at))
        good = rows.values[counted(rows)]
        if len(good):
            return float(good[-1])
    return None


def _rolled(series: int, low: int, high: int, counting: Counting | None, step: str) -> Steps:
    """The steps that touch the range, those of days that changed since they were rolled up counted anew."""
    size = STEPS[step]
    first, last = low // size + 1, -(-high // size)
    start, end = (first - 1) * size, last * size
    found = roll_ups(series, step, first, last)
    per = DAY_MS // size
    for day in sorted(_changed(series, start, end, counting)):
        begin = day * DAY_MS
        rows = stored_readings([series], begin, begin + DAY_MS)
        fresh = steps_of(rows, size, counting, _before(series, begin, counting)) if len(rows) else nothing()
        found = replaced(found, fresh, [(day * per + 1, (day + 1) * per)])
    return found.take((found.number >= first) & (found.number <= last))


def _changed(series: int, start: int, end: int, counting: Counting | None) -> set[int]:
    """Days of the range whose roll-ups do not say what the readings say now."""
    first, last = day_of(start + 1), day_of(end)
    waiting = Unrolled.objects.using(readings_alias()).filter(series=series, day__range=(first, last))
    late = set(_days(tail([series], 0 if counting else start, end), series))
    if counting is not None and counting.counter:
        late |= {day for _series, day in next_days((series, day) for day in late)}
    raw_from = progress().raw_from or first
    days = {*waiting.values_list("day", flat=True), *(day for day in late if first <= day <= last)}
    return {day for day in days if day >= raw_from}


def _days(columns: Columns, series: int) -> list[int]:
    """The days that rows of a series stand in."""
    found: list[int] = np.unique((columns.times[columns.series == series] - 1) // DAY_MS).tolist()
    return found


def broken(found: Points, longest_ms: int) -> Iterable[int]:
    """Before which points a line must be broken: nothing was heard for longer than `longest_ms` (or a step)."""
    apart = np.diff(found.times)
    return (np.flatnonzero(apart > max(longest_ms, found.step_ms)) + 1).tolist()
