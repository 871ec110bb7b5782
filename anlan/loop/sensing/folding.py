"""Blocks → chunks → roll-ups → nothing: the worker's job on the readings, and the only writer of these tables.

It stands in the worker, not in the gateway: packing is work for a processor that the hot path needs, and the gateway
writes blocks alone, so the two never write one row. Each step is a short transaction (SLICE rows, measured below 50 ms)
and may be the last: the cursor moves only after all chunks of a batch were written and read back, and folding a batch
again gives the same chunks. Blocks go only when they were found in the chunks.
Never: a block dropped that the chunks do not hold; a roll-up left in place that no longer says what its chunk says.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connections, transaction
from django.db.models import Count, Min, Sum
from django.db.models.functions import Length

from .blocks import FUTURE, Columns, joined, unpack
from .chunks import DAY_MS, by_day, merged, only, pack_chunk, unpack_chunk
from .models import Block, Chunk, Folding, RollUp, Series, Unrolled
from .queries import source_packs
from .rollups import (
    PERIOD_DAYS,
    STEPS,
    Counting,
    Steps,
    counted,
    nothing,
    pack_steps,
    replaced,
    steps_of,
    unpack_steps,
)
from .router import readings_alias

BATCH_READINGS = 500_000  # unpacked at once: about 30 MB while they are sorted
BATCH_BLOCKS = 20_000
SLICE = 50  # chunks of one write transaction
DROP = 200  # blocks of one write transaction
SETTLED = timedelta(hours=1)  # after its end a day is rolled up; what comes later rolls it up again
log = logging.getLogger("anlan.folding")
Key = tuple[int, int]  # series, day


class FoldError(Exception):
    """A chunk does not read back as it was written, or a block is not in the chunks. Nothing is dropped."""


def progress() -> Folding:
    """How far folding has come."""
    return Folding.objects.using(readings_alias()).order_by("id").first() or Folding()


def _advance(**changes: object) -> None:
    """Change the one row of progress."""
    rows = Folding.objects.using(readings_alias())
    if not rows.update(**changes):
        rows.create(**changes)


def fold(now: datetime, *, blocks: int = BATCH_BLOCKS, readings: int = BATCH_READINGS) -> int:
    """Fold the next blocks; returns how many. At most so many blocks and, beyond the first, readings."""
    at = progress()
    taken: list[Columns] = []
    size, last = 0, at.block
    rows = Block.objects.using(readings_alias()).filter(id__gt=at.block).order_by("id")
    for number, count, packed in rows.values_list("id", "count", "packed")[:blocks].iterator(chunk_size=200):
        if taken and size + count > readings:
            break
        taken.append(unpack(bytes(packed)))
        size, last = size + count, number
    if not taken:
        return 0
    days = list(by_day(merged(joined(taken))))
    for start in range(0, len(days), SLICE):
        _write_chunks(days[start : start + SLICE], at.raw_from)
    _advance(block=last, folded_at=now)
    return len(taken)


def _standing(keys: Iterable[Key]) -> dict[Key, tuple[int, Columns]]:
    """The chunks of some days as they stand: (id, rows)."""
    wanted = set(keys)
    if not wanted:
        return {}
    series, days = {one for one, _day in wanted}, [day for _one, day in wanted]
    rows = Chunk.objects.using(readings_alias()).filter(series__in=series, day__range=(min(days), max(days)))
    found = rows.values_list("id", "series", "day", "packed")
    return {(s, day): (number, unpack_chunk(s, bytes(packed))) for number, s, day, packed in found
            if (s, day) in wanted}  # fmt: skip


def _write_chunks(days: Sequence[tuple[int, int, Columns]], raw_from: int | None) -> None:
    """Lay the rows of some days over what their chunks hold, and read them back. Raises FoldError."""
    alias = readings_alias()
    standing = _standing((series, day) for series, day, _rows in days)
    new: list[Chunk] = []
    changed: list[tuple[int, bytes, int]] = []
    for series, day, rows in days:
        old = standing.get((series, day))
        whole = rows if old is None else merged(joined([old[1], rows]))
        packed = pack_chunk(whole)
        if old is None:
            new.append(Chunk(series=series, day=day, count=len(whole), packed=packed))
        else:
            changed.append((len(whole), packed, old[0]))
    stale = {(series, day) for series, day, _rows in days if raw_from is None or day >= raw_from}
    stale |= next_days(stale)
    known = set(Unrolled.objects.using(alias).filter(day__in={day for _s, day in stale}).values_list("series", "day"))
    with transaction.atomic(using=alias):
        Chunk.objects.using(alias).bulk_create(new, batch_size=SLICE)
        if changed:
            with connections[alias].cursor() as cursor:
                cursor.executemany(
                    "UPDATE sensing_chunk SET count = %s, packed = %s, version = version + 1 WHERE id = %s", changed
                )
        Unrolled.objects.using(alias).bulk_create(
            [Unrolled(series=series, day=day) for series, day in sorted(stale - known)], batch_size=SLICE
        )
    _check(days)


def next_days(keys: Iterable[Key]) -> set[Key]:
    """The next chunk after each of these days, if it is there already: its first rain counts from this day's last."""
    keys = set(keys)
    earliest: dict[int, int] = {}
    for series, day in keys:
        earliest[series] = min(day, earliest.get(series, day))
    if not earliest:
        return set()
    rows = Chunk.objects.using(readings_alias()).filter(series__in=earliest, day__gt=min(earliest.values()))
    later: dict[int, list[int]] = {}
    for series, day in rows.order_by("series", "day").values_list("series", "day"):
        later.setdefault(series, []).append(day)
    return {(s, n) for s, day in keys if (n := next((d for d in later.get(s, ()) if d > day), None)) is not None}


def _check(days: Sequence[tuple[int, int, Columns]]) -> None:
    """Whether the chunks hold these rows, read from the database anew. Raises FoldError.

    A row dated in the future may have lost to one that was heard; of all others the time, value and quality must stand.
    """
    standing = _standing((series, day) for series, day, _rows in days)
    for series, day, rows in days:
        held = standing.get((series, day), (0, only(rows, np.zeros(len(rows), bool))))[1]
        at = np.searchsorted(held.times, rows.times)
        there = at < len(held)
        at = np.where(there, at, 0)
        same = there & (len(held) > 0)
        if same.any():
            same &= held.times[at] == rows.times
            equal = (held.values[at] == rows.values) | (np.isnan(held.values[at]) & np.isnan(rows.values))
            same &= (rows.quality == FUTURE) | (equal & (held.quality[at] == rows.quality))
        if not same.all():
            raise FoldError(f"series {series} day {day}: the chunk does not hold {int((~same).sum())} rows")


def counting_of(numbers: Iterable[int]) -> dict[int, Counting]:
    """How the rain series among these count, by the source packs: those of a metric that a running total may tell."""
    packs = {s.metric: (pack, s) for pack in source_packs().values() if any(one.counter for one in pack.sources)
             for s in pack.sources}  # fmt: skip
    rows = Series.objects.filter(id__in=set(numbers), metric__in=packs).values_list("id", "metric")
    out = {}
    for number, metric in rows:
        pack, source = packs[metric]
        most = round((source.most or 0) * pack.scale)
        out[number] = Counting(round(pack.scale), source.counter, round((source.modulus or 0) * pack.scale), most)
    return out


def value_before(series: int, day: int) -> float | None:
    """The last value that counted before a day, however long ago; None = there is none."""
    rows = Chunk.objects.using(readings_alias()).filter(series=series, day__lt=day).order_by("-day")
    for packed in rows.values_list("packed", flat=True).iterator(chunk_size=1):
        held = unpack_chunk(series, bytes(packed))
        good = held.values[counted(held)]
        if len(good):
            return float(good[-1])
    return None


def roll_up(now: datetime, *, days: int = SLICE) -> int:
    """Bring the roll-ups of some finished days to what their chunks say; returns how many days."""
    alias = readings_alias()
    over = int((now - SETTLED).timestamp() * 1000) // DAY_MS
    rows = Unrolled.objects.using(alias).filter(day__lt=over).order_by("series", "day")[:days]
    keys = list(rows.values_list("series", "day"))
    if not keys:
        return 0
    chunks, counting = _standing(keys), counting_of(series for series, _day in keys)
    fresh: dict[tuple[int, str, int], list[tuple[int, Steps]]] = {}
    for series, day in keys:
        held = chunks.get((series, day))
        how = counting.get(series)
        before = value_before(series, day) if how is not None and how.counter else None
        for step, length in STEPS.items():
            steps = nothing() if held is None else steps_of(held[1], length, how, before)
            fresh.setdefault((series, step, day // PERIOD_DAYS[step]), []).append((day, steps))
    _write_roll_ups(fresh, keys)
    return len(keys)


def _write_roll_ups(fresh: Mapping[tuple[int, str, int], list[tuple[int, Steps]]], keys: Sequence[Key]) -> None:
    alias = readings_alias()
    periods = {period for _series, _step, period in fresh}
    rows = RollUp.objects.using(alias).filter(series__in={key[0] for key in fresh}, period__in=periods)
    standing = {(row.series, row.step, row.period): row for row in rows}
    new: list[RollUp] = []
    changed: list[RollUp] = []
    for (series, step, period), days in fresh.items():
        row = standing.get((series, step, period)) or RollUp(series=series, step=step, period=period)
        steps = nothing() if row.id is None else unpack_steps(bytes(row.packed))
        per = DAY_MS // STEPS[step]
        for day, found in days:
            steps = replaced(steps, found, [(day * per + 1, (day + 1) * per)])
        row.count, row.packed = len(steps), pack_steps(steps)
        (new if row.id is None else changed).append(row)
    with transaction.atomic(using=alias):
        RollUp.objects.using(alias).bulk_create(new, batch_size=SLICE)
        with connections[alias].cursor() as cursor:
            if changed:
                cursor.executemany(
                    "UPDATE sensing_rollup SET count = %s, packed = %s WHERE id = %s",
                    [(row.count, bytes(row.packed), row.id) for row in changed],
                )
            cursor.executemany("DELETE FROM sensing_unrolled WHERE series = %s AND day = %s", list(keys))


@dataclass(frozen=True)
class Retention:
    """What is kept: blocks so long after they arrived, chunks for so many years. Roll-ups are kept for good."""

    blocks: timedelta
    years: int


def drop_blocks(now: datetime, keep: timedelta) -> int:
    """Drop folded blocks that arrived longer ago than `keep`, once each reading of them was found in the chunks.

    Returns how many went. Raises FoldError where a reading is missing; then nothing goes.
    """
    alias, at, until = readings_alias(), progress(), now - keep
    rows = Block.objects.using(alias).filter(id__lte=at.block, arrived_at__lt=until).order_by("id")
    taken: list[Columns] = []
    ids: list[int] = []
    size = 0
    for number, count, packed in rows.values_list("id", "count", "packed")[:BATCH_BLOCKS].iterator(chunk_size=200):
        if ids and size + count > BATCH_READINGS:
            break
        taken.append(unpack(bytes(packed)))
        ids.append(number)
        size += count
    if not ids:
        return 0
    days = list(by_day(merged(joined(taken))))
    for start in range(0, len(days), SLICE):
        _find(days[start : start + SLICE], at.raw_from)
    _advance(blocks_from=until, fault="")
    for start in range(0, len(ids), DROP):
        Block.objects.using(alias).filter(id__in=ids[start : start + DROP]).delete()
    return len(ids)


def _find(days: Sequence[tuple[int, int, Columns]], raw_from: int | None) -> None:
    """Whether the chunks have a row at each of these times (a later arrival may have changed what it says)."""
    kept = [row for row in days if raw_from is None or row[1] >= raw_from]
    standing = _standing((series, day) for series, day, _rows in kept)
    for series, day, rows in kept:
        held = standing.get((series, day))
        missing = len(rows) if held is None else int((~np.isin(rows.times, held[1].times)).sum())
        if missing:
            raise FoldError(f"series {series} day {day}: {missing} readings of the blocks are not in the chunk")


def drop_chunks(now: datetime, years: int) -> int:
    """Drop the chunks of days older than so many years whose roll-ups hold all their hours; returns how many went.

    Raises FoldError where the roll-ups do not.
    """
    alias, at = readings_alias(), progress()
    first = int((now - timedelta(days=365.25 * years)).timestamp() * 1000) // DAY_MS
    if Unrolled.objects.using(alias).filter(day__lt=first).exists():
        return 0
    old = Chunk.objects.using(alias).filter(day__lt=first)
    if at.raw_from is not None:
        old = old.filter(day__gte=at.raw_from)  # what came later for days before it has no other place
    rows = list(old.order_by("day", "id")[:SLICE])
    for row in rows:
        held = unpack_chunk(row.series, bytes(row.packed))
        hours = roll_ups(row.series, "h", row.day * 24 + 1, (row.day + 1) * 24)
        if int(hours.count.sum()) != int(counted(held).sum()):
            raise FoldError(f"series {row.series} day {row.day}: the roll-ups do not hold what the chunk holds")
    if rows:
        Chunk.objects.using(alias).filter(id__in=[row.id for row in rows]).delete()
    elif at.raw_from is None or at.raw_from < first:
        _advance(raw_from=first)
    return len(rows)


def roll_ups(series: int, step: str, first: int, last: int) -> Steps:
    """The stored steps first … last of a series; days that wait to be rolled up are as they were before."""
    per = DAY_MS // STEPS[step]
    periods = range((first - 1) // per // PERIOD_DAYS[step], (last - 1) // per // PERIOD_DAYS[step] + 1)
    rows = RollUp.objects.using(readings_alias()).filter(
        series=series, step=step, period__range=(periods.start, periods.stop - 1)
    )
    found = nothing()
    for packed in rows.order_by("period").values_list("packed", flat=True):
        found = replaced(found, unpack_steps(bytes(packed)), [])
    return found.take((found.number >= first) & (found.number <= last))


def keep(now: datetime, retention: Retention) -> int:
    """One turn of the worker: fold, roll up, drop; returns how much was done. A fault is noted, logged, and shown."""
    try:
        return fold(now) or roll_up(now) or drop_blocks(now, retention.blocks) or drop_chunks(now, retention.years)
    except FoldError as error:
        if progress().fault != str(error)[:200]:
            log.exception("readings are kept as they are")
            _advance(fault=str(error)[:200])
        return 0


@dataclass(frozen=True)
class Kept:
    """How much there is. bytes: of packed columns, without the database's own pages and indexes."""

    blocks: int
    unfolded: int
    readings: int
    chunks: int
    chunk_bytes: int
    roll_ups: int
    roll_up_bytes: int
    first_day: int | None
    fault: str


def kept() -> Kept:
    """What is kept and how big it is, for `anlan doctor`."""
    alias, at = readings_alias(), progress()
    blocks = Block.objects.using(alias).aggregate(n=Count("id"))
    chunks = Chunk.objects.using(alias).aggregate(n=Count("id"), c=Sum("count"), b=Sum(Length("packed")), d=Min("day"))
    rolled = RollUp.objects.using(alias).aggregate(n=Count("id"), b=Sum(Length("packed")))
    return Kept(
        blocks["n"], Block.objects.using(alias).filter(id__gt=at.block).count(), chunks["c"] or 0, chunks["n"],
        chunks["b"] or 0, rolled["n"], rolled["b"] or 0, chunks["d"], at.fault,
    )  # fmt: skip
