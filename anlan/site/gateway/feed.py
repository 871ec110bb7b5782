"""The feed: what came within a few milliseconds is one batch and one commit, run by the one thread of the pipeline.

What waits is bounded: `full` tells the transports to stop reading, or to say so. Between batches the chores are done:
planning anew, the clock's tick, snapshots, and what else was added. Never: a decision about a reading.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from anlan.base.journal.models import Entry
from anlan.loop.alarms.judging import Judge
from anlan.loop.alarms.pipeline import Batch, Heard, Pipeline
from anlan.loop.alarms.rulebook import refresh
from anlan.loop.sensing.commands import forget_receipts
from anlan.loop.sensing.parcels import Parcel
from anlan.ui.context import site_clock

GATHER_S = 0.005
"""So long a batch is waited for that is not worth a commit yet."""
MESSAGES_WORTH, READINGS_WORTH = 200, 5000
BATCH_MESSAGES, BATCH_READINGS = 1000, 60_000
QUEUE_MESSAGES, QUEUE_READINGS = 5000, 1_000_000
TICK_S = 1.0
RELOAD_S = 2.0
SNAPSHOT_S = 60.0
RECEIPTS_S = 600.0
CHANGES = (
    "places.created", "places.changed", "sensing.device_registered", "sensing.device_reinstated",
    "sensing.device_disabled", "sensing.device_password", "rules.changed",
)  # fmt: skip
log = logging.getLogger("anlan.gateway")

Done = Callable[[bool], None]
"""Told once, in the event loop: True = stored (and for a message: it may be confirmed)."""


@dataclass(slots=True, eq=False)
class Work:
    """Messages and parcels with whom to tell."""

    messages: list[tuple[Heard, Done]]
    parcels: list[tuple[Parcel, Done]]

    def tell(self, accepted: list[bool], stored: list[bool]) -> None:
        for (_heard, done), yes in zip(self.messages, accepted, strict=True):
            done(yes)
        for (_parcel, done), yes in zip(self.parcels, stored, strict=True):
            done(yes)


@dataclass(slots=True, eq=False)
class Chore:
    """Done by the pipeline's thread every so many seconds, between batches; one that fails is said and done again."""

    name: str
    every: float
    run: Callable[[datetime], object]
    due: float = 0.0


class Feed:
    """The one way into the pipeline. `hear`, `deliver` and `full` are for the event loop's thread."""

    def __init__(self) -> None:
        self.clock = site_clock()
        self.pipeline = Pipeline(Judge(), settings.CONFIG.mode)
        self.thread = ThreadPoolExecutor(1, "pipeline")
        self.messages: list[tuple[Heard, Done]] = []
        self.parcels: list[tuple[Parcel, Done]] = []
        self.readings = 0
        self.came = asyncio.Event()
        self.room: list[Callable[[], None]] = []  # told after each batch: those that wait while it is full
        self.beside: list[Callable[[Heard, datetime], None]] = []  # told of each stored message, before its sender is
        self.change = ""
        self.chores = [
            Chore("reload", RELOAD_S, self._reload),
            Chore("tick", TICK_S, self._tick),
            Chore("receipts", RECEIPTS_S, forget_receipts),
            Chore("snapshot", SNAPSHOT_S, self.pipeline.judge.snapshot, time.monotonic() + SNAPSHOT_S),
        ]

    @property
    def full(self) -> bool:
        return len(self.messages) >= QUEUE_MESSAGES or self.readings >= QUEUE_READINGS

    async def start(self) -> None:
        """Devices, plan and kernel, as they stood. Raises where that cannot be: an empty plan would judge nothing."""
        await asyncio.get_running_loop().run_in_executor(self.thread, self._reload, self.clock.now())

    def hear(self, heard: Heard, done: Done) -> None:
        """One message of a device."""
        self.messages.append((heard, done))
        self.came.set()

    def deliver(self, parcel: Parcel, done: Done) -> None:
        """Readings that came as columns."""
        self.parcels.append((parcel, done))
        self.readings += len(parcel)
        self.came.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Gather batches and run them until told to stop; what was gathered by then is still stored."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            if not self.came.is_set():
                waiting = asyncio.ensure_future(self.came.wait())
                await asyncio.wait({waiting}, timeout=0.2)
                waiting.cancel()
            if self.came.is_set() and len(self.messages) < MESSAGES_WORTH and self.readings < READINGS_WORTH:
                await asyncio.sleep(GATHER_S)
            work = self._batch()
            accepted, stored, failed = await loop.run_in_executor(self.thread, self.turn, work)
            work.tell(accepted, stored)
            for again in self.room:
                again()
            if failed:
                await asyncio.sleep(0.5)

    def _batch(self) -> Work:
        work = Work(self.messages[:BATCH_MESSAGES], [])
        del self.messages[:BATCH_MESSAGES]
        count = 0
        while self.parcels and (not count or count + len(self.parcels[0][0]) <= BATCH_READINGS):
            count += len(self.parcels[0][0])
            work.parcels.append(self.parcels.pop(0))
        self.readings -= count
        if not self.messages and not self.parcels:
            self.came.clear()
        return work

    def turn(self, work: Work) -> tuple[list[bool], list[bool], bool]:
        """One turn of the one pipeline thread: what was accepted, what was stored, and whether something failed."""
        close_old_connections()
        now = self.clock.now()
        failed = False
        accepted, stored = [False] * len(work.messages), [False] * len(work.parcels)
        if work.messages or work.parcels:
            batch = Batch(now, [heard for heard, _done in work.messages], [parcel for parcel, _done in work.parcels])
            try:
                accepted, stored = self.pipeline.take(batch).accepted, [True] * len(work.parcels)
                self._beside(batch.heard, accepted, now)
            except DatabaseError:
                failed = True
                log.exception("%s messages and %s parcels were not stored; the senders will send again",
                              len(work.messages), len(work.parcels))  # fmt: skip
            except Exception:
                log.exception("a batch failed; taking what is in it one by one")
                accepted, stored = self._one_by_one(work, now)
                self._beside(batch.heard, accepted, now)
        self._do_chores(now)
        return accepted, stored, failed

    def _beside(self, heard: Sequence[Heard], accepted: list[bool], now: datetime) -> None:
        """What came beside readings: files, answers. What cannot be kept is not confirmed, so it comes again."""
        for place, one in enumerate(heard):
            if accepted[place]:
                try:
                    for told in self.beside:
                        told(one, now)
                except (DatabaseError, OSError):
                    log.exception("what %s sent beside its readings was not kept", one.message.station)
                    accepted[place] = False

    def _one_by_one(self, work: Work, now: datetime) -> tuple[list[bool], list[bool]]:
        """Nothing that one sender says may keep the others out."""
        accepted, stored = [], []
        for heard, _done in work.messages:
            try:
                accepted += self.pipeline.take(Batch(now, [heard])).accepted
            except Exception:
                log.exception("a message of %s could not be taken", heard.message.station)
                accepted.append(False)
        for parcel, _done in work.parcels:
            try:
                self.pipeline.take(Batch(now, [], [parcel]))
                stored.append(True)
            except Exception:
                log.exception("a parcel could not be taken")
                stored.append(False)
        return accepted, stored

    def _do_chores(self, now: datetime) -> None:
        for chore in self.chores:
            if time.monotonic() < chore.due:
                continue
            try:
                chore.run(now)
            except Exception:
                log.exception("%s failed; doing it again", chore.name)
            chore.due = time.monotonic() + chore.every

    def _reload(self, now: datetime) -> None:
        newest = Entry.objects.filter(kind__in=CHANGES).order_by("-id").values_list("id", flat=True).first()
        if str(newest) != self.change:
            refresh()
            self.pipeline.load(now)
            self.change = str(newest)  # last: a load that failed is done again

    def _tick(self, now: datetime) -> None:
        self.pipeline.judge.tick(now)
        self.pipeline.turn(now)

    async def close(self) -> None:
        """After the last batch: keep the state."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.thread, self.pipeline.close, self.clock.now())
        self.thread.shutdown()
