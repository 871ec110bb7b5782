"""What stands at a time of a series when several readings say it, and one series' day as bytes. Pure.

A chunk holds a hydrological day, not an hour: measured, twelve 5-minute readings cost 3–4.5 bytes each and 288 of them
0.4–1, for every chunk pays for its own beginning; and a day is what pages, roll-ups and retention ask for. The day
08–08 of Beijing is the UTC day. Like every window here it holds start < time ≤ end.
Never: two rows for one time of one series.
"""

from collections.abc import Iterator

import numpy as np

from .blocks import FUTURE, Columns
from .codec import Ints, close_up, open_up, pack_ints, pack_times, pack_values, unpack_ints, unpack_times, unpack_values

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def day_of(at_ms: int) -> int:
    """The hydrological day (08–08 Beijing) that a moment belongs to, in days since 1970."""
    return (at_ms - 1) // DAY_MS


def merged(columns: Columns) -> Columns:
    """Columns in order of arrival → by series and time, one row each: of a repeat the last arrival.

    A reading dated in the future never displaces one that was heard at its own time.
    """
    heard = columns.quality != FUTURE
    order = np.lexsort((heard, columns.times, columns.series))  # stable: equal ones stay in order of arrival
    series, times = columns.series[order], columns.times[order]
    last = np.ones(len(order), bool)
    last[:-1] = (series[1:] != series[:-1]) | (times[1:] != times[:-1])
    kept = order[last]
    return Columns(columns.series[kept], columns.times[kept], columns.values[kept], columns.quality[kept])


def only(columns: Columns, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Columns:
    """The rows that a mask names."""
    return Columns(columns.series[mask], columns.times[mask], columns.values[mask], columns.quality[mask])


def part(columns: Columns, start: int, end: int) -> Columns:
    """The rows start … end - 1."""
    rows = slice(start, end)
    return Columns(columns.series[rows], columns.times[rows], columns.values[rows], columns.quality[rows])


def by_day(columns: Columns) -> Iterator[tuple[int, int, Columns]]:
    """Merged columns → (series, day, its rows), in order."""
    if not len(columns):
        return
    days = (columns.times - 1) // DAY_MS
    cuts = np.flatnonzero((columns.series[1:] != columns.series[:-1]) | (days[1:] != days[:-1])) + 1
    edges: Ints = np.concatenate((np.zeros(1, np.int64), cuts, np.array([len(columns)])))
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield int(columns.series[start]), int(days[start]), part(columns, start, end)


def pack_chunk(columns: Columns) -> bytes:
    """Rows of one series, merged → bytes."""
    parts = [pack_times(columns.times), pack_values(columns.values), pack_ints(columns.quality.astype(np.int64))]
    return close_up(len(columns), parts)


def unpack_chunk(series: int, packed: bytes) -> Columns:
    """Bytes of a chunk → its rows. ValueError for damaged bytes or another format."""
    count, (times, values, quality) = open_up(packed)
    return Columns(
        np.full(count, series, np.int32),
        unpack_times(times, count),
        unpack_values(values, count),
        unpack_ints(quality, count).astype(np.int8),
    )
