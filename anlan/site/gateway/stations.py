"""Stations over TCP: connections cut frames, the feed stores them, answers go out in their order after the commit.

A station may send frame after frame without waiting; what it may have under way is bounded, then nothing more is read
from it. Never: looking into a frame; its protocol does that.
"""

import asyncio
import logging
import time
from functools import partial

from anlan.links.protocols.contract import Manifest, Message
from anlan.loop.alarms.pipeline import Heard

from .feed import Feed

IDLE_S = 900.0
SWEEP_S = 30.0
CONNECTIONS_MAX = 5000
UNDER_WAY = 64
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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.peer = ":".join(str(part) for part in (transport.get_extra_info("peername") or ("?",))[:2])
        if len(self.door.lines) >= CONNECTIONS_MAX:
            transport.close()
            return
        self.door.lines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.lines.discard(self)
        self.door.held.discard(self)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        frames = self.splitter.feed(data)
        if not frames:
            return
        now = self.door.feed.clock.now()
        for frame in frames:
            message = self.door.manifest.read(frame, now)
            if message.error:
                log.info("frame of %s from %s: %s", message.station or "?", self.peer, message.error)
                continue
            self.under_way += 1
            self.door.feed.hear(Heard(self.door.manifest.name, message, self.peer), partial(self._settled, message))
        if self.under_way >= UNDER_WAY or self.door.feed.full:
            self._pause()

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
        if self.under_way < UNDER_WAY // 2 and not self.door.feed.full:
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

    def __init__(self, manifest: Manifest, feed: Feed) -> None:
        self.manifest, self.feed = manifest, feed
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
