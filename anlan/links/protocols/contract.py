"""What a device protocol must offer, so that the gateway can serve it without knowing it.

A protocol is one folder: `manifest.py` with MANIFEST, its code, real captures and tests. Never: Django, a database, a
decision about an alarm.
"""

from collections.abc import Callable
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
class Message:
    """One whole unit of a device's talk.

    station: the address that the device calls itself. key: names the message for idempotent storage (function, serial
    number and time of sending, so that a repeated message has the same key). answer: bytes to send once the samples
    are stored, empty when the protocol wants none. error: what was wrong with it; then there are no samples.
    """

    station: str
    key: str
    kind: str
    samples: list[Sample] = field(default_factory=list)
    answer: bytes = b""
    password: str = ""
    raw: bytes = b""
    error: str = ""


class Splitter(Shape):
    """Cuts a stream of bytes into messages, whatever the chunks; keeps a bounded rest."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Whole messages that are complete now, in the order in which they ended."""
        ...


@dataclass(frozen=True)
class Manifest:
    """A protocol as the registry knows it.

    splitter: makes one splitter per connection. read: one whole message and the site's time → Message; never raises on
    any bytes. decode_line: one line of `anlan decode` → what is printed as JSON. max_rest: bytes a splitter may keep.
    """

    name: str
    title: str
    standard: str
    transport: str
    splitter: Callable[[], Splitter]
    read: Callable[[bytes, datetime], Message]
    decode_line: Callable[[str], dict[str, object]]
    max_rest: int
