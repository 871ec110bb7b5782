"""The connections of a device gateway: who speaks on which, how fast they may, and what is sent down to them.

A device that sends more than its share is read more slowly, so that it waits and not the others; a source of strange or
broken frames is hung up on and refused for a while. One address that speaks in turns on two open connections is said to
be at two places. All numbers are settings. Never: a decision about a reading.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol as Shape

from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.links.protocols.contract import Manifest, Message
from anlan.loop.alarms.pipeline import Heard
from anlan.loop.sensing.asking import answered, give_up, mark_sent, still_open, take_due
from anlan.loop.sensing.contacts import Found, Touched, keep_attachment, note_trouble, write_contacts
from anlan.loop.sensing.models import Device, StationCommand
from anlan.site.config import Config

BUCKETS = 20_000
TROUBLES = 1000
"""So many different ones are told apart between two writings; what a flood of addresses adds is counted as one."""
log = logging.getLogger("anlan.gateway")


class Flood(Exception):
    """This peer is hung up on."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a rate, up to a burst."""

    rate: float
    burst: float
    tokens: float
    at: float

    def wait(self, now: float) -> float:
        """Take one token; how many seconds it takes until there was one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate) - 1
        self.at = now
        return max(0.0, -self.tokens / self.rate)


class Line(Shape):
    """One connection, as far as this room needs it. addresses: the stations that it has carried."""

    peer: str
    host: str
    addresses: set[str]

    def send(self, answer: bytes) -> None:
        """Bytes for the station; in the event loop's thread."""
        ...


@dataclass(slots=True)
class Places:
    """On which connections an address was heard last, the newest behind."""

    lines: list[tuple[Line, float]] = field(default_factory=list)


class Contacts:
    """What is known of all connections of one protocol. Its methods belong to the event loop, but for `work` and
    `beside`, which the pipeline's thread calls."""

    def __init__(self, manifest: Manifest, conf: Config, device_of: Callable[[str, Message], Device | None]) -> None:
        self.manifest, self.conf, self.device_of = manifest, conf, device_of
        self.mode = conf.mode  # of what belongs to no device
        self.open_lines: set[Line] = set()
        self.refused: dict[str, float] = {}
        self.buckets: OrderedDict[str, Bucket] = OrderedDict()
        self.heard: OrderedDict[str, Places] = OrderedDict()
        self.touched: dict[str, Touched] = {}
        self.found: dict[tuple[str, str, str], Found] = {}
        self.marks = {"write": 0.0, "ask": 0.0}
        self.loop: asyncio.AbstractEventLoop | None = None

    def enter(self, line: Line) -> bool:
        """A connection begins; False = this host is refused for now."""
        self.loop = asyncio.get_running_loop()
        until = self.refused.get(line.host)
        if until is not None:
            if time.monotonic() < until:
                return False
            del self.refused[line.host]
        self.open_lines.add(line)
        return True

    def leave(self, line: Line) -> None:
        self.open_lines.discard(line)
        for address in line.addresses:
            heard = self.heard.get(address)
            if heard is not None:
                heard.lines = [(one, at) for one, at in heard.lines if one is not line]

    def known(self, line: Line, message: Message, device: Device, now: datetime) -> float:
        """A frame of an admitted device. Returns the seconds for which its connection is not read on."""
        address, at = message.station.upper(), time.monotonic()
        touched = self.touched.get(str(device.id))
        if touched is None:
            touched = self.touched[str(device.id)] = Touched(str(device.id), now, line.peer)
        touched.at, touched.peer, touched.frames = now, line.peer, touched.frames + 1
        if message.sent_ms is not None:
            touched.offset_ms = message.sent_ms - round(now.timestamp() * 1000)
        self._place(line, address, at, now)
        wait = self._bucket(f"device {address}", self.conf.device_rate, self.conf.device_burst, at).wait(at)
        if wait:
            touched.slowed += 1
            self._trouble("flood", address, line.host, "", now)
        return wait

    def strange(self, line: Line, now: datetime) -> None:
        """A broken frame, or one of a station that is not admitted. Raises Flood when its host sends too many."""
        at = time.monotonic()
        if self._bucket(f"host {line.host}", self.conf.stranger_rate, self.conf.stranger_burst, at).wait(at):
            self.refused[line.host] = at + self.conf.refuse_s
            self._trouble("stranger", "", line.host, "", now)
            raise Flood(line.host)

    def _bucket(self, key: str, rate: float, burst: float, at: float) -> Bucket:
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Bucket(rate, burst, burst, at)
            if len(self.buckets) > BUCKETS:
                self.buckets.popitem(last=False)
        else:
            self.buckets.move_to_end(key)
        return bucket

    def _place(self, line: Line, address: str, at: float, now: datetime) -> None:
        """Say so when an address speaks here, there and here again while both connections stand. A connection that
        carries several addresses is a relay: it may well speak for a station beside the station itself."""
        line.addresses.add(address)
        heard = self.heard.get(address)
        if heard is None:
            heard = self.heard[address] = Places()
            if len(self.heard) > BUCKETS:
                self.heard.popitem(last=False)
        if heard.lines and heard.lines[-1][0] is line:
            heard.lines[-1] = line, at
            return
        since = at - self.conf.contest_s
        before = [(one, when) for one, when in heard.lines if when >= since][-3:]
        heard.lines = [*before, (line, at)]
        if len(before) >= 2 and any(one is line for one, _when in before) and before[-1][0] in self.open_lines:
            other = before[-1][0]
            if len(line.addresses) == 1 and len(other.addresses) == 1:
                first, second = sorted((line.host, other.host))
                self._trouble("contested", address, first, second, now)

    def _trouble(self, kind: str, address: str, peer: str, other: str, now: datetime) -> None:
        if len(self.found) >= TROUBLES and (kind, address, peer) not in self.found:
            address = ""
        found = self.found.get((kind, address, peer))
        if found is None:
            self.found[kind, address, peer] = Found(kind, self.manifest.name, address, peer, other, now, now)
        else:
            found.count, found.last_at, found.other_peer = found.count + 1, now, other

    def work(self, now: datetime) -> None:
        """Between batches: write down what was noticed, send what is asked."""
        if self._time_for("write", self.conf.contact_s):
            touched, self.touched = self.touched, {}
            found, self.found = self.found, {}
            if touched:
                write_contacts(list(touched.values()))
            for one in list(found.values()):
                note_trouble(system_actor("gateway", self.mode), one)
        if self.manifest.ask is not None and self._time_for("ask", 0.5):
            self._ask(now)

    def _ask(self, now: datetime) -> None:
        for asked in take_due(self.manifest.name, self.line_of, owner="gateway", now=now):
            line = self.line_of(asked.device.address)
            try:
                if line is not None:
                    self._send(asked, line, now)
            except (ValueError, RuntimeError) as error:
                log.warning("request %s of %s: %s", asked.what, asked.device.address, error)
        if still_open():
            give_up(system_actor("gateway", self.mode), now=now)

    def line_of(self, address: str) -> Line | None:
        """The open connection that an address was heard on last."""
        heard = self.heard.get(address)
        line = heard.lines[-1][0] if heard is not None and heard.lines else None
        return line if line in self.open_lines else None

    def _send(self, asked: StationCommand, line: Line, now: datetime) -> None:
        if self.manifest.ask is None or self.loop is None:
            raise RuntimeError("nobody to ask")
        request = self.manifest.ask(
            asked.what, station=asked.device.address, password=asked.device.password, serial=asked.id & 0xFFFF,
            now=now, details=asked.details,
        )  # fmt: skip
        self.loop.call_soon_threadsafe(line.send, request.data)
        mark_sent(system_actor("gateway", Mode(asked.device.mode)), asked, key=request.key, now=now)

    def beside(self, heard: Heard, now: datetime) -> None:
        """A stored message of an admitted device: keep its files, match it with what was asked; before the station
        hears that its message has arrived."""
        message = heard.message
        if heard.protocol != self.manifest.name or not isinstance(message, Message):
            return
        device = self.device_of(heard.protocol, message) if message.files or message.replies_to else None
        if device is None:
            return
        actor = system_actor("gateway", Mode(device.mode))
        for file in message.files:
            taken = None if file.at_ms is None else _moment(file.at_ms)
            keep_attachment(actor, device=device, kind=file.kind, content=file.content, taken_at=taken, now=now)
        if message.replies_to:
            answered(
                actor, protocol=self.manifest.name, address=device.address, key=message.replies_to,
                answer=message.facts, now=now,
            )  # fmt: skip

    def _time_for(self, what: str, every: float) -> bool:
        if time.monotonic() - self.marks[what] < every:
            return False
        self.marks[what] = time.monotonic()
        return True


def _moment(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
