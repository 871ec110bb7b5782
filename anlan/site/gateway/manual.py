"""Sheets of readings that people entered, taken by the gateway: stored as one parcel, marked as entered by hand, judged
as the rest; taken back by writing what stood before. Idempotent: a kill between storing and saying so repeats nothing.

Never: a sheet that nobody confirmed.
"""

import hashlib
import json
import logging
import os
from datetime import datetime
from uuid import UUID

import numpy as np

from anlan.base.journal.due import claim
from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.loop.alarms.pipeline import Batch, Pipeline
from anlan.loop.sensing.blocks import MANUAL, WITHDRAWN
from anlan.loop.sensing.chunks import only
from anlan.loop.sensing.manual import QUEUED, done
from anlan.loop.sensing.models import ManualBatch, Receipt
from anlan.loop.sensing.parcels import Parcel, Table
from anlan.loop.sensing.reader import stored_readings

LEASE_S = 60.0
Stood = tuple[float | None, int] | None
"""Value and quality of a reading; None = there was none."""
log = logging.getLogger("anlan.gateway")


class Clerk:
    """Does what is due, in the pipeline's thread."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.owner = f"gateway:{os.getpid()}"

    def work(self, now: datetime) -> None:
        """One round. A sheet of a device that the pipeline does not know yet waits for the next."""
        due = ManualBatch.objects.filter(due_at__isnull=False)
        for batch in claim(due, owner=self.owner, now=now, lease_s=LEASE_S, limit=5):
            if all(UUID(str(row[0])) in self.pipeline.by_id for row in batch.rows):
                self._do(batch, now)
            else:
                ManualBatch.objects.filter(id=batch.id).update(lease_owner="", lease_until=None)

    def _do(self, batch: ManualBatch, now: datetime) -> None:
        names = list(dict.fromkeys((UUID(str(row[0])), str(row[1])) for row in batch.rows))
        place = {name: n for n, name in enumerate(names)}
        index = [place[UUID(str(row[0])), str(row[1])] for row in batch.rows]
        times = [int(row[2]) for row in batch.rows]
        values = [float(row[3]) for row in batch.rows]
        stood = self._stood(names, index, times)
        before: list[object] | None = None
        if batch.state == QUEUED:
            quality = [MANUAL] * len(times)
            before = [None if one is None else list(one) for one in stood]
        else:
            index, times, values, quality = _back(batch, index, times, values, stood)
        repeated = self._store(batch, Table(names), (index, times, values, quality), before, now)
        if repeated is not None and batch.state == QUEUED:
            before = json.loads(repeated.answer)  # stored before a kill: what stood then, not what stands now
        actor = system_actor("gateway", Mode(batch.mode))
        withdrawing = batch.state != QUEUED
        done(actor, batch, before=before, now=now)
        if withdrawing:
            first = min(int(row[2]) for row in batch.rows)
            self.pipeline.took_back(_key(batch, QUEUED), batch.entered_at, first, now)

    def _store(
        self, batch: ManualBatch, table: Table, columns: tuple[list[int], list[int], list[float], list[int]],
        before: list[object] | None, now: datetime,
    ) -> Receipt | None:  # fmt: skip
        index, times, values, quality = columns
        if not index:
            return None
        key = _key(batch, batch.state)
        receipt = Receipt(key=key, body=key, answer=json.dumps(before), at=now)
        parcel = Parcel(
            table, np.array(index, np.int32), np.array(times, np.int64), np.array(values, np.float64), key,
            np.array(quality, np.int8), receipt,
        )  # fmt: skip
        self.pipeline.take(Batch(now, [], [parcel]))
        return parcel.repeated

    def _stood(self, names: list[tuple[UUID, str]], index: list[int], times: list[int]) -> list[Stood]:
        """What stands now at each of these times."""
        numbers = [self.pipeline.series[device].get(metric) for device, metric in names]
        known = [number for number in numbers if number is not None]
        if not known:
            return [None] * len(times)
        held = stored_readings(known, min(times) - 1, max(times))
        held = only(held, held.quality != WITHDRAWN)
        rows = zip(
            held.series.tolist(), held.times.tolist(), held.values.tolist(), held.quality.tolist(), strict=True
        )  # fmt: skip
        there = {(number, at): (None if value != value else value, quality) for number, at, value, quality in rows}
        return [
            None if (number := numbers[n]) is None else there.get((number, at))
            for n, at in zip(index, times, strict=True)
        ]


def _key(batch: ManualBatch, state: str) -> str:
    """Names what is stored of a sheet in a state."""
    return hashlib.sha256(f"manual\n{batch.id}\n{state}".encode()).hexdigest()


def _back(
    batch: ManualBatch, index: list[int], times: list[int], values: list[float], stood: list[Stood]
) -> tuple[list[int], list[int], list[float], list[int]]:
    """What is to be written so that the sheet is gone: where its own value still stands, what stood before it."""
    kept: list[tuple[int, int, float, int]] = []
    before = batch.before or [None] * len(times)
    for n, at, value, now_there, was in zip(index, times, values, stood, before, strict=True):
        if now_there != (value, MANUAL):
            continue  # the device has said something else since
        again, quality = (np.nan, WITHDRAWN) if was is None else (np.nan if was[0] is None else was[0], was[1])
        kept.append((n, at, again, quality))
    return [r[0] for r in kept], [r[1] for r in kept], [r[2] for r in kept], [r[3] for r in kept]
