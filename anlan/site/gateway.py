"""The gateway process: stations connect over TCP, their frames go through the hot path, answers follow the commit.

One thread runs the pipeline; connections only cut frames and queue them. Frames that come within a few milliseconds
are one batch and one commit. What waits is bounded: a full queue stops reading from the sockets, not the memory.
"""

import asyncio
import logging
import signal
import time
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import close_old_connections

from anlan.base.journal.models import Entry
from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.contract import Manifest, Message
from anlan.loop.alarms.judging import Judge
from anlan.loop.alarms.pipeline import Pipeline
from anlan.ui.context import site_clock

BATCH_MAX = 500
GATHER_S = 0.01
QUEUE_MAX = 5000
IDLE_S = 900.0
CONNECTIONS_MAX = 5000
TICK_S = 1.0
RELOAD_S = 2.0
SNAPSHOT_S = 60.0
CHANGES = ("places.created", "places.changed", "sensing.device_registered")
log = logging.getLogger("anlan.gateway")


@dataclass(eq=False)
class Waiting:
    """One message on its way: answered when its future is set."""

    message: Message
    peer: str
    accepted: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gateway:
    """All connections of one protocol, and the loop that feeds the pipeline."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.clock = site_clock()
        self.pipeline = Pipeline(Judge(), settings.CONFIG.mode)
        self.queue: asyncio.Queue[Waiting] = asyncio.Queue(QUEUE_MAX)
        self.connections = 0
        self.change = ""
        self.marks = {"tick": 0.0, "reload": 0.0, "snapshot": time.monotonic()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One station's connection: order is kept, each answer comes after its commit."""
        peer = ":".join(str(part) for part in (writer.get_extra_info("peername") or ("?",))[:2])
        if self.connections >= CONNECTIONS_MAX:
            writer.close()
            return
        self.connections += 1
        splitter = self.manifest.splitter()
        try:
            while chunk := await asyncio.wait_for(reader.read(16384), IDLE_S):
                for frame in splitter.feed(chunk):
                    await self._one(frame, peer, writer)
        except (OSError, TimeoutError):
            log.debug("connection of %s ended", peer)
        finally:
            self.connections -= 1
            writer.close()

    async def _one(self, frame: bytes, peer: str, writer: asyncio.StreamWriter) -> None:
        message = self.manifest.read(frame, self.clock.now())
        if message.error:
            log.info("frame of %s from %s: %s", message.station or "?", peer, message.error)
            return
        waiting = Waiting(message, peer)
        await self.queue.put(waiting)
        if await waiting.accepted and message.answer:
            writer.write(message.answer)
            await writer.drain()

    async def feed(self, stop: asyncio.Event) -> None:
        """Gather batches and run them; between batches tick, reload and snapshot."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            batch: list[Waiting] = []
            try:
                batch.append(await asyncio.wait_for(self.queue.get(), 0.2))
                await asyncio.sleep(GATHER_S)
                while len(batch) < BATCH_MAX and not self.queue.empty():
                    batch.append(self.queue.get_nowait())
            except TimeoutError:
                pass
            try:
                accepted = await loop.run_in_executor(None, self.turn, batch)
            except Exception:
                log.exception("a batch of %s frames was not stored; the stations will send again", len(batch))
                accepted = [False] * len(batch)
                await asyncio.sleep(0.5)
            for waiting, yes in zip(batch, accepted, strict=True):
                if not waiting.accepted.done():
                    waiting.accepted.set_result(yes)

    def turn(self, batch: list[Waiting]) -> list[bool]:
        """One turn of the one pipeline thread."""
        close_old_connections()
        now = self.clock.now()
        accepted: list[bool] = []
        if batch:
            messages, peers = [w.message for w in batch], [w.peer for w in batch]
            accepted = self.pipeline.run(self.manifest.name, messages, peers, now)
        self._chores(now)
        return accepted

    def _chores(self, now: datetime) -> None:
        if self._time_for("reload", RELOAD_S):
            newest = Entry.objects.filter(kind__in=CHANGES).order_by("-id").values_list("id", flat=True).first()
            if str(newest) != self.change:
                self.pipeline.load(now)
                self.change = str(newest)  # last: a load that failed is done again
        if self._time_for("tick", TICK_S):
            self.pipeline.judge.tick(now)
            self.pipeline.turn(now)
        if self._time_for("snapshot", SNAPSHOT_S):
            self.pipeline.judge.snapshot(now)

    def _time_for(self, what: str, every: float) -> bool:
        if time.monotonic() - self.marks[what] < every:
            return False
        self.marks[what] = time.monotonic()
        return True


async def _run(manifest: Manifest) -> None:
    conf = settings.CONFIG
    gateway = Gateway(manifest)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, gateway.turn, [])
    server = await asyncio.start_server(gateway.serve, conf.sl651_host, conf.sl651_port, backlog=1024)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    (conf.data / "gateway_ready").write_text(str(server.sockets[0].getsockname()[1]), encoding="ascii")
    log.info("gateway: %s on %s:%s", manifest.name, conf.sl651_host, server.sockets[0].getsockname()[1])
    await gateway.feed(stop)
    server.close()
    await loop.run_in_executor(None, gateway.pipeline.judge.snapshot, gateway.clock.now())


def run_gateway() -> None:
    """Serve SL 651 until SIGTERM."""
    asyncio.run(_run(PROTOCOLS["sl651"]))
