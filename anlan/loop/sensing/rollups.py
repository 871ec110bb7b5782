"""Roll-ups: what a step of time keeps of its readings, and the canonical rain of each reading. Pure.

A step holds start < time ≤ end and is named by its number (end / length). Only what is judged counts (GOOD, MANUAL);
what is doubted, held or taken back is counted apart. Rain is summed in whole units of the source pack (hundredths of a
millimetre), each reading's share being its step from the one before, however long ago that was.
Never: a step of which nothing was heard; what was not heard is not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from .blocks import FUTURE, JUDGED, Columns
from .chunks import DAY_MS, HOUR_MS
from .codec import (
    Floats,
    Ints,
    close_up,
    open_up,
    pack_ints,
    pack_values,
    unpack_ints,
    unpack_values,
)

STEPS = {"h": HOUR_MS, "d": DAY_MS}
WHOLE_MOST = 2.0**53
PERIOD_DAYS = {"h": 32, "d": 512}
"""Days in one row: 768 hours, 512 days; a year's chart by days is one or two rows, three months by hours three."""


@dataclass(frozen=True)
class Counting:
    """How a series' rain counts (source pack): scale = whole units in a millimetre; counter = running total that rolls
    over at modulus; a step over most is no rain. Both in whole units."""

    scale: int
    counter: bool
    modulus: int
    most: int


@dataclass(frozen=True)
class Steps:
    """Columns of steps, rising. number: end of the step / its length. low, high, mean, last: NaN = nothing that counts.
    count: readings that count; doubtful: those that do not. rain: whole units, 0 where the series is no rain."""

    number: Ints
    low: Floats
    high: Floats
    mean: Floats
    last: Floats
    count: Ints
    doubtful: Ints
    rain: Ints

    def __len__(self) -> int:
        return len(self.number)

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Steps":
        return Steps(*(getattr(self, one.name)[which] for one in fields(self)))


def nothing() -> Steps:
    none, gap = np.empty(0, np.int64), np.empty(0)
    return Steps(none, gap, gap, gap, gap, none, none, none)


def _whole(values: Floats, counting: Counting) -> Ints:
    """Values in whole units; what no gauge means is held to where whole numbers are still exact."""
    most = WHOLE_MOST / counting.scale
    return np.rint(np.clip(values, -most, most) * counting.scale).astype(np.int64)


def shares(counting: Counting, values: Floats, before: float | None) -> Ints:
    """What each reading of a rain series adds, in whole units; before: the value that stood before the first."""
    whole = _whole(values, counting)
    if not counting.counter:
        return whole
    first = whole[:1] if before is None else _whole(np.array([before]), counting)
    step = np.diff(whole, prepend=first)
    rolled = step + counting.modulus
    fell = np.where((rolled > 0) & (rolled <= counting.most) & bool(counting.modulus), rolled, whole)
    step = np.where(step < 0, fell, step)
    return np.where(step <= counting.most, step, 0)


def counted(columns: Columns) -> npt.NDArray[np.bool_]:
    """Which rows count: judged, and with a value."""
    return np.isin(columns.quality, JUDGED) & ~np.isnan(columns.values)


def steps_of(columns: Columns, length_ms: int, counting: Counting | None, before: float | None) -> Steps:
    """Rows of one series, merged → its steps. before: the last value that counted, before these rows."""
    here = columns.quality != FUTURE
    every = -(-columns.times[here] // length_ms)
    numbers, counts_all = np.unique(every, return_counts=True)
    good = counted(columns)
    values = columns.values[good]
    of = np.searchsorted(numbers, -(-columns.times[good] // length_ms))
    size = len(numbers)
    count = np.bincount(of, minlength=size).astype(np.int64)
    low, high, mean, last = (np.full(size, np.nan) for _ in range(4))
    rain = np.zeros(size, np.int64)
    if len(values):
        starts = np.flatnonzero(np.diff(of, prepend=-1))
        at = of[starts]
        low[at], high[at] = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        with np.errstate(over="ignore", invalid="ignore"):  # what no sensor means may overflow: shown as it is
            mean[at] = (np.add.reduceat(values, starts) / count[at]).astype(np.float32)
        last[at] = values[np.append(starts[1:], len(values)) - 1]
        if counting is not None:
            np.add.at(rain, of, shares(counting, values, before))
    return Steps(numbers, low, high, mean, last, count, counts_all - count, rain)


def replaced(old: Steps, new: Steps, spans: Sequence[tuple[int, int]]) -> Steps:
    """`old` with everything in the spans (first number, last number) taken out and `new` put in; rising."""
    keep = np.ones(len(old), bool)
    for first, last in spans:
        keep &= (old.number < first) | (old.number > last)
    kept = old.take(keep)
    both = Steps(*(np.concatenate((getattr(kept, f.name), getattr(new, f.name))) for f in fields(Steps)))
    return both.take(np.argsort(both.number, kind="stable"))


def pack_steps(steps: Steps) -> bytes:
    """Steps → bytes. The mean is kept in 32 bits: seven figures."""
    mean = steps.mean.astype(np.float32)
    return close_up(
        len(steps),
        [
            pack_ints(steps.number), pack_values(steps.low), pack_values(steps.high),
            mean.view(np.uint8).reshape(-1, 4).T.tobytes(), pack_values(steps.last), pack_ints(steps.count),
            pack_ints(steps.doubtful), pack_ints(steps.rain),
        ],
    )  # fmt: skip


def unpack_steps(packed: bytes) -> Steps:
    """Bytes of a roll-up → its steps. ValueError for damaged bytes or another format."""
    n, (number, low, high, mean, last, count, doubtful, rain) = open_up(packed)
    planes = np.ascontiguousarray(np.frombuffer(mean, np.uint8).reshape(4, n).T)
    return Steps(
        unpack_ints(number, n), unpack_values(low, n), unpack_values(high, n),
        planes.view(np.float32).reshape(n).astype(np.float64), unpack_values(last, n),
        unpack_ints(count, n), unpack_ints(doubtful, n), unpack_ints(rain, n),
    )  # fmt: skip
