"""The newest reading of each series, kept in the gateway's memory and written for pages at most once a second.

Derived from the blocks: a mark, written in the same commit, says up to which block. What a killed process had not
written is derived again at the next start. Never: a row a reading, or a value that no block holds.
"""

import math
import time

import numpy as np
import numpy.typing as npt
from django.db import connections, transaction

from .blocks import FUTURE, GOOD, MISSING, WITHDRAWN, Columns, unpack
from .models import Block, Latest, Mark
from .reader import readings_between
from .router import readings_alias

EVERY_S = 1.0
REST = 4
"""Writing many series takes a while; so many times its duration passes before the next, so that readings go first."""
ROWS = 2000
"""Series of one commit: a bigger one would make others wait."""
MARK = "latest"
_NEVER = np.iinfo(np.int64).min


class Newest:
    """By series number: time (Unix ms), value (NaN = none) and quality of the newest reading. Not thread-safe."""

    def __init__(self) -> None:
        self.at: npt.NDArray[np.int64] = np.full(1024, _NEVER, np.int64)
        self.value: npt.NDArray[np.float64] = np.zeros(1024, np.float64)
        self.quality: npt.NDArray[np.int8] = np.zeros(1024, np.int8)
        self.changed: npt.NDArray[np.bool_] = np.zeros(1024, np.bool_)
        self.written: set[int] = set()
        self.block = 0
        self.marked = 0
        self.due = 0.0

    def load(self) -> None:
        """What was written, and what the blocks behind the mark add to it. Read once, at the start."""
        alias = readings_alias()
        rows = list(Latest.objects.using(alias).values_list("series", "at_ms", "value", "quality"))
        self.written = {row[0] for row in rows}
        self._fit(max(self.written, default=0))
        for series, at, value, quality in rows:
            self.at[series], self.quality[series] = at, quality
            self.value[series] = math.nan if value is None else value
        mark = Mark.objects.using(alias).filter(name=MARK).first()
        self.block = self.marked = mark.block if mark else 0
        later = Block.objects.using(alias).filter(id__gt=self.block).order_by("id")
        for number, packed in later.values_list("id", "packed").iterator():
            self.take(unpack(bytes(packed)), number)

    def take(self, columns: Columns, block: int) -> None:
        """A stored block. Of one time the later arrival counts; what is dated in the future never does."""
        self.block = block
        kept = (columns.quality != FUTURE) & (columns.quality != WITHDRAWN)
        if not kept.all():
            columns = Columns(columns.series[kept], columns.times[kept], columns.values[kept], columns.quality[kept])
        if not len(columns):
            return
        series = columns.series
        self._fit(int(series.max()))
        np.maximum.at(self.at, series, columns.times)
        newest = columns.times == self.at[series]
        number = series[newest]
        self.value[number] = columns.values[newest]  # of equal ones the last stays
        self.quality[number] = columns.quality[newest]
        self.changed[number] = True

    def derive(self, series: int) -> None:
        """Find the newest of a series again, after a reading of it was withdrawn; it may have none any more."""
        held = readings_between([series], 0, int(self.at[series]))[series] if series < len(self.at) else []
        if held:
            at, value = held[-1]
            self.at[series], self.quality[series] = at, MISSING if value is None else GOOD
            self.value[series] = math.nan if value is None else value
            self.changed[series] = True
            self.marked = min(self.marked, self.block - 1)
        elif series in self.written:
            self.at[series], self.changed[series] = _NEVER, False
            Latest.objects.using(readings_alias()).filter(series=series).delete()
            self.written.discard(series)

    def _fit(self, most: int) -> None:
        size = len(self.at)
        if most < size:
            return
        more = max(most + 1, 2 * size) - size
        self.at = np.concatenate([self.at, np.full(more, _NEVER, np.int64)])
        self.value = np.concatenate([self.value, np.zeros(more, np.float64)])
        self.quality = np.concatenate([self.quality, np.zeros(more, np.int8)])
        self.changed = np.concatenate([self.changed, np.zeros(more, np.bool_)])

    def write(self, *, wait: bool = True) -> None:
        """Write what has changed, if it is time (wait=False: now). Raises DatabaseError; then it is done again."""
        begin = time.monotonic()
        if self.marked == self.block or (wait and begin < self.due):
            return
        numbers = np.flatnonzero(self.changed)
        upto = self.block
        for first in range(0, max(1, len(numbers)), ROWS):
            part = numbers[first : first + ROWS]
            last = first + ROWS >= len(numbers)
            self._commit(part.tolist(), upto if last else None)
            self.changed[part] = False
        self.marked = upto
        self.due = time.monotonic() + max(EVERY_S, REST * (time.monotonic() - begin))

    def _commit(self, numbers: list[int], mark: int | None) -> None:
        alias = readings_alias()
        rows = {
            n: (at, None if value != value else value, quality)
            for n, at, value, quality in zip(
                numbers, self.at[numbers].tolist(), self.value[numbers].tolist(), self.quality[numbers].tolist(),
                strict=True,
            )
        }  # fmt: skip
        with transaction.atomic(using=alias):
            Latest.objects.using(alias).bulk_create(
                Latest(series=n, at_ms=row[0], value=row[1], quality=row[2])
                for n, row in rows.items()
                if n not in self.written
            )
            old = [(*row, n) for n, row in rows.items() if n in self.written]
            if old:
                with connections[alias].cursor() as cursor:
                    cursor.executemany(
                        "UPDATE sensing_latest SET at_ms = %s, value = %s, quality = %s WHERE series = %s", old
                    )
            if mark is not None:
                Mark.objects.using(alias).update_or_create(name=MARK, defaults={"block": mark})
        self.written |= rows.keys()

    def of(self, series: int) -> tuple[int, float | None, int] | None:
        """(time in ms, value, quality) of one series; None = never heard."""
        if series >= len(self.at) or self.at[series] == _NEVER:
            return None
        value = float(self.value[series])
        return int(self.at[series]), None if math.isnan(value) else value, int(self.quality[series])


def derive_latest() -> None:
    """Bring the table up to the blocks at once, from a process that has no memory of them."""
    newest = Newest()
    newest.load()
    newest.write(wait=False)
