"""Stations over TCP: connections cut frames, the feed stores them, answers go out in their order after the commit.

A station may send frame after frame without waiting; what it may have under way is bounded, then nothing more is read
from it. Never: looking into a frame; its protocol does that.
"""

import asyncio
import logging
import time
from collections import deque
from datetime import datetime
from functools import partial

from anlan.links.protocols.contract import Manifest, Message
from anlan.loop.alarms.pipeline import Heard
from anlan.site.config import Config

from .contact import Contacts, Flood
from .feed import Chore, Feed

IDLE_S = 900.0
SWEEP_S = 30.0
CONNECTIONS_MAX = 5000
UNDER_WAY = 64
STRAY = 4096
"""Bytes that belong to no frame and count as one broken frame."""
log = logging.getLogger("anlan.gateway")


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, door: "Door") -> None:
        self.door = door
        self.splitter = door.manifest.splitter()
        self.transport: asyncio.Transport | None = None
        self.peer = "?"
        self.heard_at = time.monotonic()
        self.under_way = 0
        self.paused = False
        self.answers: list[bytes] = []
        self.host = "?"
        self.addresses: set[str] = set()
        self.session = door.manifest.session() if door.manifest.session is not None else None
        self.backlog: deque[bytes] = deque()
        self.slowed = False
        self.stray = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.peer = ":".join(str(part) for part in (transport.get_extra_info("peername") or ("?",))[:2])
        self.host = self.peer.rpartition(":")[0]
        if len(self.door.lines) >= CONNECTIONS_MAX or not self.door.contacts.enter(self):
            transport.close()
            return
        self.door.lines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.lines.discard(self)
        self.door.held.discard(self)
        self.door.contacts.leave(self)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self.backlog.extend(self.splitter.feed(data))
        try:
            while self.splitter.dropped - self.stray > STRAY:
                self.stray += STRAY
                self.door.contacts.strange(self, self.door.feed.clock.now())
            if self.backlog and not self.slowed:
                self._take()
        except Flood:
            self._hang_up()

    def _take(self) -> None:
        """Hand frames on, as many as their stations may send now; the rest waits here and nothing more is read."""
        now = self.door.feed.clock.now()
        while self.backlog:
            wait = self._one(self.backlog.popleft(), now)
            if wait:
                self.slowed = True
                self._pause()
                asyncio.get_running_loop().call_later(wait, self._go_on_slowly)
                return
        if self.under_way >= UNDER_WAY or self.door.feed.full:
            self._pause()

    def _one(self, frame: bytes, now: datetime) -> float:
        manifest, contacts = self.door.manifest, self.door.contacts
        message = manifest.read(frame, now) if self.session is None else self.session.read(frame, now)
        device = None if message.error else contacts.device_of(manifest.name, message)
        if device is None:
            if message.kind == "part" and manifest.session is not None:
                self.session = manifest.session()  # a stranger's packets are not collected
            contacts.strange(self, now)
        if message.error:
            log.info("frame of %s from %s: %s", message.station or "?", self.peer, message.error)
            return 0.0
        self.under_way += 1
        self.door.feed.hear(Heard(manifest.name, message, self.peer), partial(self._settled, message))
        return 0.0 if device is None else contacts.known(self, message, device, now)

    def _go_on_slowly(self) -> None:
        self.slowed = False
        if self.transport is None:
            return
        try:
            self._take()
        except Flood:
            self._hang_up()
        if not self.slowed and self.paused:
            self.go_on()

    def _hang_up(self) -> None:
        self.backlog.clear()
        if self.transport is not None:
            self.transport.close()

    def _settled(self, message: Message, accepted: bool) -> None:
        self.under_way -= 1
        if accepted and message.answer:
            self.send(message.answer)

    def send(self, answer: bytes) -> None:
        """Bytes for the station; those of one moment go out together."""
        if not self.answers:
            asyncio.get_running_loop().call_soon(self._flush)
        self.answers.append(answer)

    def _flush(self) -> None:
        if self.transport is not None:
            self.transport.write(b"".join(self.answers))
        self.answers.clear()

    def _pause(self) -> None:
        if self.transport is not None and not self.paused:
            self.transport.pause_reading()
            self.paused = True
            self.door.held.add(self)

    def go_on(self) -> None:
        """Read again, if there is room."""
        if not self.slowed and self.under_way < UNDER_WAY // 2 and not self.door.feed.full:
            self.paused = False
            self.door.held.discard(self)
            if self.transport is not None:
                self.transport.resume_reading()

    # A station that takes no answers is not read from either: its answers would pile up here.
    def pause_writing(self) -> None:
        self._pause()
        self.under_way += UNDER_WAY

    def resume_writing(self) -> None:
        self.under_way -= UNDER_WAY


class Door:
    """All connections of one protocol."""

    def __init__(self, manifest: Manifest, feed: Feed, conf: Config) -> None:
        self.manifest, self.feed = manifest, feed
        self.contacts = Contacts(manifest, conf, feed.pipeline.device_of)
        feed.beside.append(self.contacts.beside)
        feed.chores.append(Chore(f"contacts of {manifest.name}", 0.5, self.contacts.work))
        self.lines: set[Line] = set()
        self.held: set[Line] = set()
        self.server: asyncio.Server | None = None
        self.sweeping: asyncio.Task[None] | None = None
        feed.room.append(self._room)

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Line(self), host, port, backlog=1024)
        self.sweeping = asyncio.create_task(self._sweep())
        return int(self.server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        if self.sweeping is not None:
            self.sweeping.cancel()
        for line in list(self.lines):
            if line.transport is not None:
                line.transport.close()

    def _room(self) -> None:
        for line in list(self.held):
            line.go_on()

    async def _sweep(self) -> None:
        """Let go of connections on which nothing was heard for long."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for line in list(self.lines):
                if time.monotonic() - line.heard_at > IDLE_S and line.transport is not None:
                    log.debug("connection of %s ended", line.peer)
                    line.transport.close()
