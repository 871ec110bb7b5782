"""Ranges out of the blocks, fast enough for pages: full runs of blocks are unpacked once and kept, packed tight.

A block never changes and only the gateway adds them, in order; so a run of RUN numbers that the newest block has left
behind is final. The run that is still growing is read anew each time. Never: a write, or an unbounded memory.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from django.db.models import BigIntegerField, F, Max
from django.db.models.functions import Cast

from .blocks import JUDGED, MISSING, WITHDRAWN, Columns, unpack
from .models import Block
from .router import readings_alias

RUN = 512
KEEP_READINGS = 4_000_000  # about 84 MB


class Runs:
    """The runs kept in this process, the least used dropped first. Safe between threads."""

    def __init__(self, most: int = KEEP_READINGS) -> None:
        self.most = most
        self.kept: OrderedDict[int, Columns] = OrderedDict()
        self.readings = 0
        self.lock = threading.Lock()

    def get(self, number: int) -> Columns | None:
        with self.lock:
            found = self.kept.get(number)
            if found is not None:
                self.kept.move_to_end(number)
            return found

    def keep(self, number: int, columns: Columns) -> None:
        with self.lock:
            if number in self.kept or len(columns) > self.most:
                return
            self.kept[number] = columns
            self.readings += len(columns)
            while self.readings > self.most:
                _number, dropped = self.kept.popitem(last=False)
                self.readings -= len(dropped)


RUNS = Runs()


def readings_between(series: Iterable[int], low: int, high: int) -> dict[int, list[tuple[int, float | None]]]:
    """(event time in Unix ms, value) by series, low < time ≤ high, in event order; a repeat counts as its last arrival.

    None = the device said that it has no value. Readings dated in the future are left out.
    """
    wanted = np.array(sorted(set(series)), np.int32)
    held: dict[int, dict[int, float | None]] = {int(number): {} for number in wanted}
    if not len(wanted):
        return {}
    for columns in _runs(low, high):
        mask = (columns.times > low) & (columns.times <= high) & np.isin(columns.series, wanted)
        mask &= np.isin(columns.quality, (*JUDGED, MISSING, WITHDRAWN))
        for number, at, value, quality in zip(*_picked(columns, mask), strict=True):
            if quality == WITHDRAWN:
                held[number].pop(at, None)
            else:
                held[number][at] = None if value != value else value  # NaN is what the device does not know
    return {number: sorted(values.items()) for number, values in held.items()}


def _picked(columns: Columns, mask: npt.NDArray[np.bool_]) -> tuple[list[int], list[int], list[float], list[int]]:
    parts = (columns.series, columns.times, columns.values, columns.quality)
    series, times, values, quality = (part[mask].tolist() for part in parts)
    return series, times, values, quality


def _runs(low: int, high: int) -> Iterable[Columns]:
    """Columns of every run that has something in the range, in order of arrival."""
    blocks = Block.objects.using(readings_alias())
    newest = blocks.aggregate(newest=Max("id"))["newest"] or 0
    inside = blocks.filter(last_ms__gt=low, first_ms__lte=high)
    numbers = inside.order_by().annotate(run=Cast(F("id") / RUN, BigIntegerField())).values_list("run", flat=True)
    for number in sorted(set(numbers.distinct())):
        columns = RUNS.get(number)
        if columns is None:
            rows = blocks.filter(id__gte=number * RUN, id__lt=(number + 1) * RUN).order_by("id")
            columns = joined([unpack(bytes(packed)) for packed in rows.values_list("packed", flat=True)])
            if newest >= (number + 1) * RUN:
                RUNS.keep(number, columns)
        yield columns


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
