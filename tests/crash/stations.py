"""Stations that remember what the centre has confirmed to them: one frame at a time, sent again until it is."""

import asyncio
import contextlib
import threading
from datetime import UTC, datetime, timedelta

from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.framing import FrameSplitter
from tests.bench.address import address

Reading = tuple[str, int, float]
"""Station, event time in Unix ms, accumulated rain in mm."""


class Stations(threading.Thread):
    """So many stations of the bench's net, each on a connection of its own, until `finish`."""

    def __init__(self, port: int, count: int, begin: datetime) -> None:
        super().__init__(daemon=True)
        self.port, self.count = port, count
        self.begin = begin.astimezone(UTC).replace(second=0, microsecond=0)
        self.confirmed: list[Reading] = []
        self.repeats = 0
        self._over = threading.Event()

    def finish(self) -> list[Reading]:
        """Stop and return every reading whose frame was confirmed."""
        self._over.set()
        self.join(20)
        return self.confirmed

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._station(n) for n in range(self.count)))

    async def _station(self, number: int) -> None:
        turn, tries = 0, 0
        while not self._over.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                splitter = FrameSplitter()
                while not self._over.is_set():
                    at = self.begin + timedelta(minutes=turn)
                    total, serial = (turn % 900) / 10, turn % 65535 + 1
                    parts = [element("26", total, 3, 1)]
                    frame = up_frame(address(number), "33", serial=serial, sent=at, observed=at, elements=parts)
                    self.repeats += tries > 0
                    tries += 1
                    writer.write(frame)
                    await self._answer(reader, splitter, serial)
                    self.confirmed.append((address(number), int(at.timestamp() * 1000), total))
                    turn, tries = turn + 1, 0
                    await asyncio.sleep(0.02)
                writer.close()
            await asyncio.sleep(0.1)

    async def _answer(self, reader: asyncio.StreamReader, splitter: FrameSplitter, serial: int) -> None:
        while True:
            chunk = await asyncio.wait_for(reader.read(4096), 5)
            if not chunk:
                raise OSError("the centre hung up")
            if any(int(decode(answer).serial, 16) == serial for answer in splitter.feed(chunk)):
                return
