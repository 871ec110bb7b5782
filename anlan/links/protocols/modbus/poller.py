"""Asks one Modbus device over TCP, again and again, and hands on what it says.

One request at a time. A device that is silent is hung up on (a late answer must not pass for the next one's) and called
again after a pause that grows. What could not be stored is handed on again with its own time. Never: a database, or a
value for what was not answered.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from anlan.links.protocols.contract import Message, Sample
from anlan.links.protocols.modbus import rtu
from anlan.links.protocols.modbus.registers import DeviceMap, Reading, requests_of, values_of

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
KEEP = 1000
"""Messages that wait to be stored, per device: over half a day of minutes."""
log = logging.getLogger("anlan.modbus")


class Silent(Exception):
    """No answer, or none that belongs to the request."""


@dataclass
class Asked:
    """How asking went. failures: in a row."""

    rounds: int = 0
    failures: int = 0
    timeouts: int = 0
    exceptions: int = 0
    connections: int = 0
    last_error: str = ""


@dataclass
class Poller:
    """One device. now: the site's clock; deliver: hands a message on and says whether it is stored."""

    address: str
    device: DeviceMap
    now: Callable[[], datetime]
    deliver: Callable[[Message], Awaitable[bool]]
    asked: Asked = field(default_factory=Asked)
    waiting: deque[Message] = field(default_factory=lambda: deque(maxlen=KEEP))
    wrong: Callable[[str], None] = field(default=lambda _error: None)
    """Told each time that asking failed, and why."""

    async def run(self) -> None:
        """For ever; ends when it is cancelled."""
        while True:
            try:
                await self._over_one_connection()
            except (OSError, TimeoutError, Silent) as error:
                self._failed(f"{type(error).__name__}: {error}")
            await self._hand_on()
            pause = PAUSES_S[min(self.asked.failures, len(PAUSES_S) - 1)]
            self.asked.failures += 1
            await asyncio.sleep(min(pause, self.device.interval_s))

    async def _over_one_connection(self) -> None:
        """Ask until it fails; a round that succeeds forgets the failures before it."""
        async with asyncio.timeout(self.device.timeout_s):
            reader, writer = await asyncio.open_connection(self.device.host, self.device.port)
        self.asked.connections += 1
        loop = asyncio.get_running_loop()
        try:
            due = loop.time()
            while True:
                message = await self._round(reader, writer)
                self.asked.failures = 0
                if message.samples:
                    self.waiting.append(message)
                await self._hand_on()
                due = max(due + self.device.interval_s, loop.time())
                await asyncio.sleep(due - loop.time())
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _round(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Message:
        """Every point once. Points of a request that the device refuses are left out of this round."""
        at = self.now()
        at_ms, samples, raw = round(at.timestamp() * 1000), [], b""
        for reading in requests_of(self.device.points):
            frame, payload = await self._ask(reader, writer, reading)
            raw += frame
            if payload is not None:
                samples += [Sample(metric, at_ms, value) for metric, value in values_of(reading, payload).items()]
        self.asked.rounds += 1
        return Message(self.address, f"poll:{at_ms}", "report", samples, raw=raw)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reading: Reading
    ) -> tuple[bytes, bytes | None]:
        """One request. Returns the answer's frame and its data, None where the device answered with an exception."""
        writer.write(rtu.read_request(self.device.slave, reading.function, reading.address, reading.count))
        await writer.drain()
        try:
            async with asyncio.timeout(self.device.timeout_s):
                head = await reader.readexactly(3)
                frame = head + await reader.readexactly(rtu.answer_length(head) - 3)
        except TimeoutError as error:
            self.asked.timeouts += 1
            raise Silent(f"no answer within {self.device.timeout_s:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise Silent("hung up in the middle of an answer") from error
        answer = rtu.decode(frame)
        if answer.error or answer.slave != self.device.slave or (answer.func or 0) & 0x7F != reading.function:
            raise Silent(answer.error or f"an answer of slave {answer.slave}, function {answer.func}")
        if answer.exception is not None:
            self.asked.exceptions += 1
            name = rtu.EXCEPTIONS.get(answer.exception, "exception")
            self._failed(f"function {reading.function} at {reading.address}: {name}")
            return frame, None
        payload = frame[3:-2]
        if len(payload) != (reading.count + 7) // 8 and len(payload) != reading.count * 2:
            raise Silent(f"{len(payload)} bytes for {reading.count} values of function {reading.function}")
        return frame, payload

    def _failed(self, error: str) -> None:
        self.asked.last_error = error
        log.info("modbus device %s: %s", self.address, error)
        self.wrong(error)

    async def _hand_on(self) -> None:
        """What waits, the oldest first, until one is not stored."""
        while self.waiting and await self.deliver(self.waiting[0]):
            self.waiting.popleft()
