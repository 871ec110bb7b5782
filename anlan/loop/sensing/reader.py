"""Ranges out of the chunks and of the blocks that are not folded yet: the one way in which pages read readings.

The cursor of the folding is read first, then the chunks, then the blocks behind the cursor, laid over them in order of
arrival: a fold that happens meanwhile changes nothing in the sum. Blocks are read by runs of RUN numbers; a run that
the newest block has left behind is final and is kept unpacked in memory. Many series over a short time come cheaper out
of the runs than out of a chunk each, as long as the blocks are still there; both give the same.
Never: a write, or an unbounded memory.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from django.db.models import BigIntegerField, F, Max
from django.db.models.functions import Cast

from .blocks import JUDGED, MISSING, Columns, joined, unpack
from .chunks import day_of, merged, only, unpack_chunk
from .models import Block, Chunk, Folding
from .router import readings_alias

RUN = 512
KEEP_READINGS = 4_000_000  # about 84 MB
FEW = 40
"""So many series are read from their chunks; more of them, over at most SHORT_MS, from the runs."""
SHORT_MS = 26 * 3_600_000
EARLY_MS = 3_600_000  # a reading may arrive a little before its own time and still count as heard


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


def stored_readings(series: Iterable[int], low: int, high: int) -> Columns:
    """What stands at each time of these series, low < time ≤ high (Unix ms), by series and time, whatever its quality.

    Of several readings of one time the last arrival stands. Numbers of series are those of `Series`.
    """
    wanted = np.array(sorted(set(series)), np.int32)
    if not len(wanted) or low >= high:
        return joined([])
    alias = readings_alias()
    at = Folding.objects.using(alias).order_by("id").first() or Folding()
    whole = at.blocks_from is None or at.blocks_from.timestamp() * 1000 < low - EARLY_MS
    parts: list[Columns] = []
    behind = at.block
    if whole and len(wanted) > FEW and high - low <= SHORT_MS:
        behind = 0
    elif at.pk is not None:
        chunks = Chunk.objects.using(alias).filter(
            series__in=wanted.tolist(), day__range=(day_of(low + 1), day_of(high))
        )
        parts = [unpack_chunk(number, bytes(packed)) for number, packed in chunks.values_list("series", "packed")]
    for run in _runs(low, high, behind):
        parts.append(only(run, np.isin(run.series, wanted)))
    found = merged(joined(parts))
    return only(found, (found.times > low) & (found.times <= high))


def tail(series: Iterable[int], low: int, high: int) -> Columns:
    """What was stored and not folded yet, low < time ≤ high, in order of arrival (and sometimes a little that was)."""
    wanted = np.array(sorted(set(series)), np.int32)
    at = Folding.objects.using(readings_alias()).order_by("id").first() or Folding()
    found = joined([only(run, np.isin(run.series, wanted)) for run in _runs(low, high, at.block)])
    return only(found, (found.times > low) & (found.times <= high))


def readings_between(series: Iterable[int], low: int, high: int) -> dict[int, list[tuple[int, float | None]]]:
    """(event time in Unix ms, value) by series, low < time ≤ high, in event order; a repeat counts as its last arrival.

    Only what is judged, and the times at which the device said that it has no value (None). What is dated in the
    future, doubted, held or taken back is left out.
    """
    held: dict[int, list[tuple[int, float | None]]] = {number: [] for number in series}
    found = stored_readings(held, low, high)
    found = only(found, np.isin(found.quality, (*JUDGED, MISSING)))
    rows = zip(found.series.tolist(), found.times.tolist(), found.values.tolist(), strict=True)
    for number, at, value in rows:
        held[number].append((at, None if value != value else value))  # NaN is what the device does not know
    return held


def _runs(low: int, high: int, behind: int) -> Iterable[Columns]:
    """Columns of every run of blocks after `behind` that has something in the range, in order of arrival."""
    blocks = Block.objects.using(readings_alias())
    newest = blocks.aggregate(newest=Max("id"))["newest"] or 0
    inside = blocks.filter(id__gt=behind, last_ms__gt=low, first_ms__lte=high)
    numbers = inside.order_by().annotate(run=Cast(F("id") / RUN, BigIntegerField())).values_list("run", flat=True)
    for number in sorted(set(numbers.distinct())):
        columns = RUNS.get(number)
        if columns is None:
            rows = blocks.filter(id__gte=number * RUN, id__lt=(number + 1) * RUN).order_by("id")
            columns = joined([unpack(bytes(packed)) for packed in rows.values_list("packed", flat=True)])
            if newest >= (number + 1) * RUN:
                RUNS.keep(number, columns)
        yield columns
