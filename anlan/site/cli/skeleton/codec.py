"""One message of example → what it says. Decoding never raises on any bytes; an error names the byte.

    ADDRESS SERIAL YYYYMMDDhhmmss metric=value metric=value *SS\\n

SS is the sum of all bytes before the star, modulo 256, as two hex digits. Times are Beijing time. Never: a decision, a
clock, storage.
"""

from dataclasses import dataclass, field
from datetime import datetime

LONGEST = 1024
MISSING = "-"


@dataclass(slots=True)
class Frame:
    """A message as sent. sent: naive Beijing time. values: by metric; None = the device says that it has none."""

    station: str = ""
    serial: str = ""
    sent: datetime | None = None
    values: dict[str, float | None] = field(default_factory=dict)
    error: str = ""


def checksum(data: bytes) -> int:
    return sum(data) & 0xFF


def encode(station: str, serial: str, sent: datetime, values: dict[str, float | None]) -> bytes:
    """A message as a device sends it, for tests and simulators. sent: naive Beijing time."""
    said = "".join(f"{name}={MISSING if value is None else f'{value:g}'} " for name, value in values.items())
    body = f"{station} {serial} {sent:%Y%m%d%H%M%S} {said}".encode()
    return body + f"*{checksum(body):02X}\n".encode()


def decode(data: bytes) -> Frame:
    """One whole message."""
    frame = Frame()
    body, star, tail = data.rstrip(b"\r\n").rpartition(b"*")
    if not star:
        frame.error = "structure at byte 0: no check sum"
        return frame
    if tail.decode("ascii", "replace") != f"{checksum(body):02X}":
        frame.error = f"checksum at byte {len(body) + 1}: computed {checksum(body):02X}"
        return frame
    words = body.decode("utf-8", "replace").split()
    if len(words) < 3:
        frame.error = f"structure at byte {len(body)}: address, serial number and time are needed"
        return frame
    frame.station, frame.serial = words[0][:64], words[1]
    try:
        frame.sent = datetime.strptime(words[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 - `report` adds the zone
    except ValueError:
        frame.error = f"structure at byte {body.find(words[2].encode())}: {words[2]} is no time"
        return frame
    for word in words[3:]:
        name, _equals, value = word.partition("=")
        frame.values[name[:40]] = _number(value)
    return frame


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 else None  # not infinite, not NaN


class LineSplitter:
    """Cuts a stream into messages at line ends. Keeps at most LONGEST bytes; dropped: bytes that were in no message."""

    def __init__(self) -> None:
        self._rest = b""
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Whole messages that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST:
            self.dropped += len(self._rest)
            self._rest = b""
        self.dropped += sum(len(line) + 1 for line in lines if len(line) > LONGEST)
        return [line + b"\n" for line in lines if len(line) <= LONGEST]

    @property
    def rest(self) -> int:
        return len(self._rest)
