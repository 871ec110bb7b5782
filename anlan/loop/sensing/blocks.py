"""Packed columns: many readings ↔ a few bytes. Never: a row per reading."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

GOOD, MISSING, FUTURE, SUSPECT, HELD, MANUAL, WITHDRAWN = range(7)
"""Quality of a reading: as sent; the device says that it has none; dated in the future; doubted; a spike that waits for
the next reading to confirm it; entered by hand; taken back."""
JUDGED = (GOOD, MANUAL)
"""The qualities that rules, sums and roll-ups count."""
QUALITY_WORDS = {
    GOOD: "正常",
    MISSING: "缺测：设备报告没有数值",
    FUTURE: "时间超前：设备时钟比站点快，不参与判别",
    SUSPECT: "可疑：没有通过合理性检查，不参与判别",
    HELD: "待证实：突跳，等下一次数据证实",
    MANUAL: "人工录入",
    WITHDRAWN: "已撤回",
}
FORMAT = 1


@dataclass(slots=True)
class Columns:
    """Readings as columns in order of arrival: series numbers int32, event times int64 (Unix ms), values float64 (NaN =
    the device says it has none), quality int8: one of GOOD … WITHDRAWN."""

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


def joined(parts: Sequence[Columns]) -> Columns:
    """Several columns as one, in order."""
    if not parts:
        return Columns(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int8))
    return Columns(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.quality for part in parts]),
    )
