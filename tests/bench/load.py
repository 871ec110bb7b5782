"""Stations of a net as one client: true SL 651 frames over some TCP connections, each frame confirmed before the next.

A frame carries three readings: five-minute rain, accumulated rain, battery.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from anlan.kernel.clock import SiteClock
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.framing import FrameSplitter

from .address import address

READINGS_PER_FRAME = 3


@dataclass
class Load:
    """Offers frames at a rate, or as fast as they are confirmed (rate 0). totals: accumulated mm of each gauge."""

    port: int
    clock: SiteClock
    gauges: int
    connections: int
    totals: dict[int, float] = field(default_factory=dict)
    sent_at: dict[int, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    confirmed: int = 0
    late: float = 0.0
    trigger: dict[int, float] = field(default_factory=dict)
    minutes: dict[int, datetime] = field(default_factory=dict)

    def frame(self, gauge: int) -> bytes:
        """The next report of a gauge, one minute after its last at the earliest."""
        now = self.clock.now().astimezone(UTC)
        minute = now.replace(second=0, microsecond=0)
        last = self.minutes.get(gauge)
        if last is not None and minute <= last:
            minute = last + timedelta(minutes=1)
        self.minutes[gauge] = minute
        total = self.totals.get(gauge, 0.0)
        if gauge in self.trigger and gauge not in self.sent_at:
            total += self.trigger[gauge]
            self.totals[gauge] = total
            self.sent_at[gauge] = time.monotonic()
        parts = [element("22", 0.0, 2, 1), element("26", total, 3, 1), element("38", 12.6, 2, 2)]
        return up_frame(address(gauge), "33", serial=minute.minute + 1, sent=minute, observed=minute, elements=parts)

    async def run(self, seconds: float, rate: float, once: bool = False) -> float:
        """Offer `rate` frames/s (0: all that is taken) for so long, or each gauge once; returns the seconds it took."""
        begin = time.monotonic()
        each = self.connections / rate if rate else 0.0
        await asyncio.gather(*(self._station(n, begin, seconds, each, once) for n in range(self.connections)))
        return time.monotonic() - begin

    async def _station(self, number: int, begin: float, seconds: float, each: float, once: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        splitter, turn = FrameSplitter(), 0
        mine = range(number, self.gauges, self.connections)
        due = begin + each * number / self.connections
        while (now := time.monotonic()) < begin + seconds and (not once or turn < len(mine)):
            if each and due > now:
                await asyncio.sleep(due - now)
            self.late = max(self.late, time.monotonic() - due) if each else 0.0
            due += each
            sent = time.monotonic()
            writer.write(self.frame(mine[turn % len(mine)]))
            turn += 1
            while not splitter.feed(await asyncio.wait_for(reader.read(4096), 60)):
                pass
            self.waits.append(time.monotonic() - sent)
            self.confirmed += 1
        writer.close()
