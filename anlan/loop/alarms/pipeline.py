"""The hot path, one ordered list: admit → columns → store → judge → raise → acknowledge; columns, not objects.

A device hears "yes" only after its readings are committed. When a later stage fails, what was judged waits in the
judge and is raised on the next turn: a stored reading is never judged twice and an alarm is never lost.
"""

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import DatabaseError

from anlan.base.journal.commands import writing
from anlan.kernel.actor import system_actor
from anlan.kernel.errors import Refused
from anlan.kernel.judging.kernel import HORIZON_MS
from anlan.kernel.modes import Mode
from anlan.loop.sensing.blocks import FUTURE, GOOD, MISSING, Columns, joined
from anlan.loop.sensing.commands import (
    drop_snapshots,
    open_series,
    quarantine,
    store_block,
    withdraw_from_blocks,
)
from anlan.loop.sensing.latest import Newest
from anlan.loop.sensing.models import Device, Receipt, Series
from anlan.loop.sensing.parcels import Parcel, Table
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.router import readings_alias

from .judging import Judge

AHEAD = timedelta(minutes=10)
REST = 4
"""Planning anew reads every place and replays blocks; so many times its duration passes before the next."""
log = logging.getLogger("anlan.pipeline")


class Sample(Protocol):
    """One value as a device sent it: dotted metric, Unix ms, value in the metric's unit or None."""

    metric: str
    at_ms: int
    value: float | None


class Message(Protocol):
    """One whole message of a device, decoded (links.protocols.contract.Message)."""

    station: str
    key: str
    password: str
    raw: bytes
    error: str

    @property
    def samples(self) -> Sequence[Sample]: ...


@dataclass(slots=True)
class Heard:
    """One message, by which protocol and from whom."""

    protocol: str
    message: Message
    peer: str


@dataclass
class Batch:
    """What goes through the stages. accepted, devices: by position in `heard`, filled by `admit`."""

    now: datetime
    heard: Sequence[Heard]
    parcels: Sequence[Parcel] = ()
    accepted: list[bool] = field(default_factory=list)
    devices: list[Device | None] = field(default_factory=list)
    fresh: list[Parcel] = field(default_factory=list)
    columns: Columns | None = None
    block: int = 0


class Pipeline:
    """One gateway's hot path and its small caches. Not thread-safe."""

    def __init__(self, judge: Judge, mode: Mode) -> None:
        self.judge = judge
        self.mode = mode  # of what belongs to no device yet
        self.devices: dict[tuple[str, str], Device] = {}
        self.by_id: dict[UUID, Device] = {}
        self.series: dict[UUID, dict[str, int]] = {}
        self.newest: Newest | None = None
        self.replan = False
        self.replan_from = 0.0

    def load(self, now: datetime) -> None:
        """Read devices and series, at the start the newest values; plan and restore the kernel."""
        self.by_id = {d.id: d for d in Device.objects.in_use().select_related("place")}
        self.devices = {(d.protocol, d.address): d for d in self.by_id.values()}
        self.series = {number: {} for number in self.by_id}
        for one in Series.objects.all():
            if one.device_id in self.series:
                self.series[one.device_id][one.metric] = one.id
        if self.newest is None:
            newest = Newest()
            newest.load()
            self.newest = newest
        begin = time.monotonic()
        self.judge.load(now)
        self.replan = False
        self.replan_from = time.monotonic() + REST * (time.monotonic() - begin)

    def run(self, protocol: str, messages: Sequence[Message], peers: Sequence[str], now: datetime) -> list[bool]:
        """Take messages of one protocol through. Returns for each whether it may be acknowledged."""
        heard = [Heard(protocol, message, peer) for message, peer in zip(messages, peers, strict=True)]
        return self.take(Batch(now, heard)).accepted

    def take(self, batch: Batch) -> Batch:
        """Take a batch through all stages. Raises DatabaseError when nothing of it was stored; parcels of a batch that
        went through are stored, or repeat what was."""
        for stage in (self.admit, self.recall, self.to_columns, self.store, self.judge_block, self.raise_alarms):
            stage(batch)
        return batch

    def device_of(self, protocol: str, message: Message) -> Device | None:
        """The admitted device whose address, and password, a message carries."""
        device = self.devices.get((protocol, message.station.upper()))
        return device if device is not None and device.password in ("", message.password.upper()) else None

    def admit(self, batch: Batch) -> None:
        """Known station under its own password, else quarantine: kept raw and shown, never judged, never answered."""
        strangers: dict[tuple[str, str], tuple[Heard, str, int]] = {}
        for heard in batch.heard:
            message = heard.message
            station = message.station.upper()
            device = self.devices.get((heard.protocol, station))
            known = self.device_of(heard.protocol, message) is not None
            batch.accepted.append(known and not message.error)
            batch.devices.append(device if known and not message.error else None)
            if not known and not message.error:
                count = strangers[heard.protocol, station][2] if (heard.protocol, station) in strangers else 0
                reason = "unknown" if device is None else "password"
                strangers[heard.protocol, station] = (heard, reason, count + 1)
        for (protocol, station), (heard, reason, count) in strangers.items():
            quarantine(
                system_actor("gateway", self.mode), protocol=protocol, address=station[:64], reason=reason,
                frame=heard.message.raw, peer=heard.peer, count=count, password=heard.message.password,
                now=batch.now,
            )  # fmt: skip

    def recall(self, batch: Batch) -> None:
        """Parcels under a key that was stored before are not stored again, in this batch or an earlier one."""
        keyed = [parcel.receipt.key for parcel in batch.parcels if parcel.receipt is not None]
        if not keyed:
            batch.fresh = list(batch.parcels)
            return
        held = Receipt.objects.using(readings_alias()).in_bulk(keyed)
        for parcel in batch.parcels:
            receipt = parcel.receipt
            parcel.repeated = held.get(receipt.key) if receipt is not None else None
            if parcel.repeated is None:
                batch.fresh.append(parcel)
                if receipt is not None:
                    held[receipt.key] = receipt

    def to_columns(self, batch: Batch) -> None:
        """Admitted messages and fresh parcels as columns; a metric heard for the first time opens its series."""
        self._open_series(batch)
        numbers: list[int] = []
        times: list[int] = []
        values: list[float] = []
        for heard, device in zip(batch.heard, batch.devices, strict=True):
            if device is None:
                continue
            known = self.series[device.id]
            for sample in heard.message.samples:
                numbers.append(known[sample.metric])
                times.append(sample.at_ms)
                values.append(math.nan if sample.value is None else sample.value)
        latest = ms(batch.now + AHEAD)
        parts = []
        if numbers:
            told = np.array(times, np.int64), np.array(values, np.float64)
            parts.append(Columns(np.array(numbers, np.int32), *told, _quality(*told, latest)))
        for parcel in batch.fresh:
            if not len(parcel):
                continue
            quality = _quality(parcel.times, parcel.values, latest) if parcel.quality is None else parcel.quality
            parts.append(Columns(self._numbers(parcel.table)[parcel.index], parcel.times, parcel.values, quality))
        batch.columns = joined(parts) if len(parts) > 1 else parts[0] if parts else None

    def _numbers(self, table: Table) -> npt.NDArray[np.int32]:
        if table.numbers is None:
            table.numbers = np.array([self.series[device][metric] for device, metric in table.names], np.int32)
        return table.numbers

    def _open_series(self, batch: Batch) -> None:
        """All series that this batch speaks of for the first time, in one transaction."""
        missing: dict[tuple[UUID, str], None] = {}
        for heard, device in zip(batch.heard, batch.devices, strict=True):
            if device is not None:
                known = self.series[device.id]
                missing |= {(device.id, x.metric): None for x in heard.message.samples if x.metric not in known}
        for parcel in batch.fresh:
            if parcel.table.numbers is None:
                missing |= {name: None for name in parcel.table.names if name[1] not in self.series[name[0]]}
        if not missing:
            return
        with writing():
            opened = {
                key: open_series(
                    system_actor("gateway", Mode(self.by_id[key[0]].mode)), device=self.by_id[key[0]], metric=key[1]
                ).id
                for key in missing
            }
        for (device_id, metric), number in opened.items():
            self.series[device_id][metric] = number
        self.replan = True

    def store(self, batch: Batch) -> None:
        """Commit. From here on the readings are safe."""
        if batch.columns is None:
            return
        keys = [heard.message.station + heard.message.key for heard in batch.heard]
        print_ = hashlib.sha256("|".join([*keys, *(parcel.source for parcel in batch.fresh)]).encode()).hexdigest()
        receipts = [parcel.receipt for parcel in batch.fresh if parcel.receipt is not None]
        batch.block = store_block(batch.columns, source=print_, receipts=receipts, now=batch.now)
        if self.newest is not None:
            self.newest.take(batch.columns, batch.block)

    def judge_block(self, batch: Batch) -> None:
        """Hand the block to the kernel. A new series waits for the next plan, which replays this block too: at once,
        or, while many stations speak for the first time, a little later for all of them together."""
        if batch.columns is not None:
            self.judge.judge(batch.columns, batch.block, batch.now)

    def took_back(self, source: str, since: datetime, first_ms: int, now: datetime) -> None:
        """Readings of a parcel were withdrawn: the newest values, and what was judged, must not know them any more."""
        numbers = withdraw_from_blocks(hashlib.sha256(source.encode()).hexdigest(), since)
        if self.newest is not None:
            for number in numbers:
                self.newest.derive(number)
        if first_ms > ms(now) - HORIZON_MS:
            drop_snapshots()
            self.load(now)
            self.turn(now)

    def raise_alarms(self, batch: Batch) -> None:
        """Bring the alarms to the kernel's levels; a database that is busy is tried again on the next turn."""
        self.turn(batch.now)

    def turn(self, now: datetime) -> None:
        """Plan anew where that is due; raise, step and ease what is waiting; write the newest values for pages."""
        if self.replan and time.monotonic() >= self.replan_from:
            self.load(now)
        try:
            self.judge.sync(now)
        except (DatabaseError, Refused):
            log.exception("%s cases could not be raised; trying again", len(self.judge.unsynced))
        try:
            if self.newest is not None:
                self.newest.write()
        except DatabaseError:
            log.exception("the newest values could not be written; trying again")

    def close(self, now: datetime) -> None:
        """Keep what would have to be derived anew."""
        self.judge.snapshot(now)
        if self.newest is not None:
            self.newest.write(wait=False)


def _quality(times: npt.NDArray[np.int64], values: npt.NDArray[np.float64], latest: int) -> npt.NDArray[np.int8]:
    """What follows from time and value alone: dated ahead of `latest` (ms), or none."""
    quality = np.where(np.isnan(values), np.int8(MISSING), np.int8(GOOD))
    quality[times > latest] = FUTURE
    return quality
