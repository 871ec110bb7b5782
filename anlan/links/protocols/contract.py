"""What a device protocol must offer, so that the gateway can serve it without knowing it.

A protocol is one folder: `manifest.py` with MANIFEST, its code, real captures and tests. Never: Django, a database, a
decision about an alarm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol as Shape


@dataclass(slots=True)
class Sample:
    """One value as the device sent it.

    metric: dotted name, the same for every protocol ("rain.accumulated", mm; "stage", m; "voltage", V).
    at_ms: time of measuring, Unix milliseconds. value: in the metric's unit, None where the device says it has none.
    """

    metric: str
    at_ms: int
    value: float | None


@dataclass(slots=True)
class File:
    """What a device sent that is no number: kind "picture" or "text". at_ms: when it was taken, Unix milliseconds, None
    where the device does not say."""

    kind: str
    content: bytes
    at_ms: int | None = None


@dataclass(slots=True)
class Message:
    """One whole unit of a device's talk.

    station: the address that the device calls itself. key: names the message for idempotent storage (function, serial
    number and time of sending, so that a repeated message has the same key). answer: bytes to send once the samples
    are stored, empty when the protocol wants none. error: what was wrong with it; then there are no samples.
    sent_ms: the device's own clock when it sent, None where it does not say. replies_to: names the request that this
    answers (see Request.key), empty for what the device sends by itself. facts: what a reply says, for pages.
    """

    station: str
    key: str
    kind: str
    samples: list[Sample] = field(default_factory=list)
    answer: bytes = b""
    password: str = ""
    raw: bytes = b""
    error: str = ""
    sent_ms: int | None = None
    replies_to: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)


class Session(Shape):
    """One connection's talk, for a protocol whose messages may come in several pieces."""

    def read(self, data: bytes, now: datetime) -> Message:
        """One whole piece and the site's time → message; a piece that is not the last has no answer. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes that ask a device for something. key: what the answer's `replies_to` will be."""

    data: bytes
    key: str


class Asker(Shape):
    """Makes requests of one protocol."""

    def __call__(
        self, what: str, *, station: str, password: str, serial: int, now: datetime, details: Mapping[str, str]
    ) -> Request:
        """A request by its name. ValueError where the protocol has no such request or a detail is wrong."""
        ...


class Splitter(Shape):
    """Cuts a stream of bytes into messages, whatever the chunks; keeps a bounded rest. dropped: bytes in no message."""

    dropped: int

    def feed(self, chunk: bytes) -> list[bytes]:
        """Whole messages that are complete now, in the order in which they ended."""
        ...


@dataclass(frozen=True)
class Manifest:
    """A protocol as the registry knows it.

    splitter: makes one splitter per connection. read: one whole message and the site's time → Message; never raises on
    any bytes. decode_line: one line of `anlan decode` → what is printed as JSON. max_rest: bytes a splitter may keep.
    session: makes the state of one connection, None = `read` is all. ask: requests to a device, None = it only speaks.
    """

    name: str
    title: str
    standard: str
    transport: str
    splitter: Callable[[], Splitter]
    read: Callable[[bytes, datetime], Message]
    decode_line: Callable[[str], dict[str, object]]
    max_rest: int
    session: Callable[[], Session] | None = None
    ask: Asker | None = None
