"""A gateway served in this process over real TCP, for tests: connections from any loopback host, answers in time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections

from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.framing import FrameSplitter
from anlan.site.gateway.feed import Feed, Work
from anlan.site.gateway.stations import Door
from tests.cast import NOW

STATION = "1404270001"
PROMPTLY, NEVER = 10.0, 0.5  # how long an answer is waited for


def report(serial: int, minutes: float, *parts: bytes, station: str = STATION, sent: datetime | None = None) -> bytes:
    """A report of what was measured so many minutes after NOW."""
    moment = NOW + timedelta(minutes=minutes)
    return up_frame(station, "32", serial=serial, sent=sent or moment, observed=moment, elements=parts)


def rain(millimetres: float) -> bytes:
    return element("26", millimetres, 5, 1)


@dataclass
class Peer:
    """One connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    splitter: FrameSplitter = field(default_factory=FrameSplitter)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self, count: int = 1, wait: float = PROMPTLY) -> list[bytes]:
        """Up to so many frames that come within the time. An ended connection ends it too."""
        frames: list[bytes] = []
        try:
            async with asyncio.timeout(wait):
                while len(frames) < count and (chunk := await self.reader.read(65536)):
                    frames += self.splitter.feed(chunk)
        except (TimeoutError, ConnectionError):
            pass
        return frames

    async def ask(self, frame: bytes, wait: float = PROMPTLY) -> list[bytes]:
        self.send(frame)
        return await self.hear(1, wait)

    @property
    def hung_up(self) -> bool:
        return self.reader.at_eof() or self.reader.exception() is not None


@dataclass
class Served:
    """A gateway that runs, and its peers."""

    feed: Feed
    door: Door
    port: int
    peers: list[Peer] = field(default_factory=list)

    async def connect(self, host: str = "127.0.0.1") -> Peer:
        """A connection whose own address is `host` (any of 127.0.0.0/8)."""
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0)))
        self.peers.append(peer)
        return peer

    async def settle(self) -> None:
        """Let the pipeline's thread do a turn in which everything is due."""
        self.door.contacts.marks = {"write": 0.0, "ask": 0.0}
        for chore in self.feed.chores:
            chore.due = 0.0
        await asyncio.get_running_loop().run_in_executor(self.feed.thread, self.feed.turn, Work([], []))


def served(scenario: Callable[[Served], Awaitable[None]], **changed: float) -> None:
    """Play a scenario against a gateway on a free port. changed: fields of the site's configuration."""

    async def play() -> None:
        stop, feed = asyncio.Event(), Feed()
        await feed.start()
        door = Door(PROTOCOLS["sl651"], feed, settings.CONFIG.model_copy(update=changed))
        run = Served(feed, door, await door.open("127.0.0.1", 0))
        feeding = asyncio.create_task(feed.run(stop))
        try:
            await scenario(run)
            while feed.pipeline.replan:
                await asyncio.sleep(0.02)
            await run.settle()
        finally:
            for peer in run.peers:
                peer.writer.close()
            stop.set()
            await feeding
            await door.close()
            await asyncio.get_running_loop().run_in_executor(feed.thread, connections.close_all)

    asyncio.run(play())
