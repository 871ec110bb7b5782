"""The hot path, one ordered list: admit → columns → store → judge → raise → acknowledge; columns, not objects.

A device hears "yes" only after its readings are committed. When a later stage fails, what was judged waits in the
judge and is raised on the next turn: a stored reading is never judged twice and an alarm is never lost.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db import DatabaseError

from anlan.base.journal.commands import writing
from anlan.kernel.actor import system_actor
from anlan.kernel.errors import Refused
from anlan.kernel.modes import Mode
from anlan.loop.sensing.blocks import FUTURE, GOOD, MISSING, Columns, columns_of
from anlan.loop.sensing.commands import open_series, quarantine, store_block
from anlan.loop.sensing.models import Device, Latest, Series
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


@dataclass
class Batch:
    """What goes through the stages. accepted: by position in `messages`, filled by `admit`."""

    protocol: str
    messages: Sequence[Message]
    peers: Sequence[str]
    now: datetime
    accepted: list[bool] = field(default_factory=list)
    devices: list[Device | None] = field(default_factory=list)
    columns: Columns | None = None
    block: int = 0


class Pipeline:
    """One gateway's hot path and its small caches. Not thread-safe."""

    def __init__(self, judge: Judge, mode: Mode) -> None:
        self.judge = judge
        self.mode = mode  # of what belongs to no device yet
        self.devices: dict[tuple[str, str], Device] = {}
        self.series: dict[tuple[str, str], int] = {}
        self.newest: dict[int, int] = {}
        self.replan = False
        self.replan_from = 0.0

    def load(self, now: datetime) -> None:
        """Read devices, series and latest times; plan and restore the kernel."""
        self.devices = {(d.protocol, d.address): d for d in Device.objects.select_related("place")}
        self.series = {(str(s.device_id), s.metric): s.id for s in Series.objects.all()}
        self.newest = dict(Latest.objects.using(readings_alias()).values_list("series", "at_ms"))
        begin = time.monotonic()
        self.judge.load(now)
        self.replan = False
        self.replan_from = time.monotonic() + REST * (time.monotonic() - begin)

    def run(self, protocol: str, messages: Sequence[Message], peers: Sequence[str], now: datetime) -> list[bool]:
        """Take a batch through all stages. Returns for each message whether it may be acknowledged."""
        batch = Batch(protocol, messages, peers, now)
        for stage in (self.admit, self.to_columns, self.store, self.judge_block, self.raise_alarms):
            stage(batch)
        return batch.accepted

    def admit(self, batch: Batch) -> None:
        """Known station under its own password, else quarantine: kept raw and shown, never judged, never answered."""
        strangers: dict[str, tuple[Message, str, str, int]] = {}
        for message, peer in zip(batch.messages, batch.peers, strict=True):
            device = self.devices.get((batch.protocol, message.station.upper()))
            known = device is not None and device.password in ("", message.password.upper())
            batch.accepted.append(known and not message.error)
            batch.devices.append(device if known and not message.error else None)
            if not known and not message.error:
                count = strangers.get(message.station, (message, "", "", 0))[3] + 1
                reason = "unknown" if device is None else "password"
                strangers[message.station] = (message, peer, reason, count)
        for station, (message, peer, reason, count) in strangers.items():
            quarantine(
                system_actor("gateway", self.mode), protocol=batch.protocol, address=station.upper()[:64],
                reason=reason, frame=message.raw, peer=peer, count=count, now=batch.now,
            )  # fmt: skip

    def to_columns(self, batch: Batch) -> None:
        """Samples of the admitted messages as columns; a metric heard for the first time opens its series."""
        rows: list[tuple[int, int, float | None, int]] = []
        latest = ms(batch.now + AHEAD)
        self._open_series(batch)
        for message, device in zip(batch.messages, batch.devices, strict=True):
            if device is None:
                continue
            for sample in message.samples:
                quality = MISSING if sample.value is None else FUTURE if sample.at_ms > latest else GOOD
                rows.append((self.series[str(device.id), sample.metric], sample.at_ms, sample.value, quality))
        batch.columns = columns_of(rows) if rows else None

    def _open_series(self, batch: Batch) -> None:
        """All series that this batch speaks of for the first time, in one transaction."""
        heard = zip(batch.messages, batch.devices, strict=True)
        new = {(str(d.id), x.metric): d for m, d in heard if d is not None for x in m.samples}
        missing = {key: device for key, device in new.items() if key not in self.series}
        if not missing:
            return
        with writing():
            opened = {
                key: open_series(system_actor("gateway", Mode(device.mode)), device=device, metric=key[1]).id
                for key, device in missing.items()
            }
        self.series |= opened
        self.replan = True

    def store(self, batch: Batch) -> None:
        """Commit. From here on the readings are safe."""
        columns = batch.columns
        if columns is None:
            return
        newest: dict[int, tuple[int, float | None, int]] = {}
        rows = zip(
            columns.series.tolist(), columns.times.tolist(), columns.values.tolist(), columns.quality.tolist(),
            strict=True,
        )  # fmt: skip
        for series, at, value, quality in rows:
            if quality != FUTURE and at >= max(self.newest.get(series, 0), newest.get(series, (0, None, 0))[0]):
                newest[series] = (at, None if value != value else value, quality)
        print_ = hashlib.sha256("|".join(m.station + m.key for m in batch.messages).encode()).hexdigest()
        batch.block = store_block(columns, source=print_, newest=newest, now=batch.now)
        self.newest.update({series: at for series, (at, _value, _quality) in newest.items()})

    def judge_block(self, batch: Batch) -> None:
        """Hand the block to the kernel. A new series waits for the next plan, which replays this block too: at once,
        or, while many stations speak for the first time, a little later for all of them together."""
        if batch.columns is not None:
            self.judge.judge(batch.columns, batch.block, batch.now)

    def raise_alarms(self, batch: Batch) -> None:
        """Bring the alarms to the kernel's levels; a database that is busy is tried again on the next turn."""
        self.turn(batch.now)

    def turn(self, now: datetime) -> None:
        """Plan anew where that is due; raise, step and ease what is waiting."""
        if self.replan and time.monotonic() >= self.replan_from:
            self.load(now)
        try:
            self.judge.sync(now)
        except (DatabaseError, Refused):
            log.exception("%s cases could not be raised; trying again", len(self.judge.unsynced))
