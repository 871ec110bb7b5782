"""Packed columns: many readings ↔ a few bytes. Never: a row per reading."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

GOOD, MISSING, FUTURE, SUSPECT, HELD, MANUAL, WITHDRAWN = range(7)
"""Codes of quality. future: kept, not judged; held: a spike that waits for its next; manual: entered by a person;
withdrawn: the reading of that time is taken back."""
JUDGED = (GOOD, MANUAL)
"""The qualities that rules, sums and roll-ups count."""
FORMAT = 1


@dataclass(slots=True)
class Columns:
    """Readings as columns in order of arrival: series numbers int32, event times int64 (Unix ms), values float64 (NaN =
    the device says it has none), quality int8: 0 good, 1 missing, 2 dated in the future (kept, not judged)."""

    series: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.series)


def columns_of(rows: Iterable[tuple[int, int, float | None, int]]) -> Columns:
    """(series, event time in ms, value, quality) rows → columns."""
    held = list(rows)
    return Columns(
        np.array([row[0] for row in held], np.int32),
        np.array([row[1] for row in held], np.int64),
        np.array([np.nan if row[2] is None else row[2] for row in held], np.float64),
        np.array([row[3] for row in held], np.int8),
    )


def pack(columns: Columns) -> bytes:
    """Columns → bytes for a block."""
    parts = [columns.series.tobytes(), columns.times.tobytes(), columns.values.tobytes(), columns.quality.tobytes()]
    return zlib.compress(msgspec.msgpack.encode([FORMAT, *parts]), 1)


def unpack(packed: bytes) -> Columns:
    """Bytes of a block → columns. ValueError on another format."""
    kind, series, times, values, quality = msgspec.msgpack.decode(zlib.decompress(packed))
    if kind != FORMAT:
        raise ValueError(f"block of format {kind}; this program reads {FORMAT}")
    return Columns(
        np.frombuffer(series, np.int32),
        np.frombuffer(times, np.int64),
        np.frombuffer(values, np.float64),
        np.frombuffer(quality, np.int8),
    )
