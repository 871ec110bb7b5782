"""Values → SL 651 frames: what a station sends (for the simulator and tests) and what the centre answers.

Never: sockets, clocks.
"""

from collections.abc import Sequence
from datetime import datetime

from anlan.kernel.clock import beijing
from anlan.links.protocols.crc import crc16
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import Frame
from anlan.links.protocols.sl651.elements import DATA_FUNCTIONS, kind_of

Value = float | None | Sequence[float | None]


def packed_time(moment: datetime, seconds: bool = True) -> bytes:
    """An aware moment as BCD Beijing time, YYMMDDhhmmss or YYMMDDhhmm."""
    return bytes.fromhex(beijing(moment).strftime("%y%m%d%H%M%S" if seconds else "%y%m%d%H%M"))


def packed_number(value: float | None, size: int, decimals: int) -> bytes:
    """A number as `size` bytes of BCD; None = all FF; negative = FF in front. ValueError where it does not fit."""
    if value is None:
        return b"\xff" * size
    digits = str(round(abs(value) * 10**decimals))
    room = size * 2 - (2 if value < 0 else 0)
    if len(digits) > room:
        raise ValueError(f"{value} needs more than {size} bytes at {decimals} decimals")
    return bytes.fromhex(("FF" if value < 0 else "") + digits.zfill(room))


def element(identifier: str, value: Value, size: int = 4, decimals: int = 2) -> bytes:
    """One element with its definition byte. Lists for F4-FC; a list for any other one is for function 31 only."""
    form = kind_of(identifier).form
    head = bytes.fromhex(identifier)
    if form == "rain5" and isinstance(value, Sequence):
        return head + bytes([len(value) << 3]) + bytes(0xFF if v is None else round(v * 10) for v in value)
    if form == "level5" and isinstance(value, Sequence):
        words = b"".join((0xFFFF if v is None else round(v * 100)).to_bytes(2, "big") for v in value)
        return head + bytes([len(words) << 3]) + words
    values = value if isinstance(value, Sequence) else [value]
    return head + bytes([size << 3 | decimals]) + b"".join(packed_number(v, size, decimals) for v in values)


def seal(head: bytes, direction: int, body: bytes, etx: int, stx: int = framing.STX) -> bytes:
    """Close a frame. head: the 9 bytes of centre, station, password and function in the order of its direction."""
    if len(body) > 0xFFF:
        raise ValueError(f"body of {len(body)} bytes; a frame holds 4095")
    frame = framing.HEAD + head + (direction << 12 | len(body)).to_bytes(2, "big") + bytes([stx]) + body + bytes([etx])
    return frame + crc16(frame).to_bytes(2, "big")


def up_frame(
    station: str,
    func: str,
    *,
    serial: int,
    sent: datetime,
    observed: datetime | None = None,
    elements: Sequence[bytes] = (),
    step: str = "",
    center: str = "01",
    password: str = "1234",  # noqa: S107 - the protocol's default word, sent in clear by every station
    station_type: str = "50",
) -> bytes:
    """A station's report. station: 10 hex; sent, observed: aware; step: DDhhmm, function 31 only; 2F is empty."""
    body = serial.to_bytes(2, "big") + packed_time(sent)
    if func != "2F":
        body += b"\xf1\xf1" + bytes.fromhex(station + station_type)
        body += b"\xf0\xf0" + packed_time(observed or sent, seconds=False)
        body += (b"\x04\x18" + bytes.fromhex(step) if step else b"") + b"".join(elements)
    return seal(bytes.fromhex(center + station + password + func), 0, body, framing.ETX)


def reply_frame(asked: Frame, *, sent: datetime, elements: Sequence[bytes] = (), station_type: str = "50") -> bytes:
    """A station's answer to what a centre asked: same function and serial number. With elements, each of which may
    stand behind an observation time of its own (`observed`), it carries its station's kind."""
    body = bytes.fromhex(asked.serial) + packed_time(sent) + b"\xf1\xf1" + bytes.fromhex(asked.station)
    if asked.func in DATA_FUNCTIONS:
        body += bytes.fromhex(station_type) + b"".join(elements)
    head = bytes.fromhex(asked.center + asked.station + asked.password + asked.func)
    return seal(head, 0, body, framing.ETX)


def observed(moment: datetime) -> bytes:
    """The observation time that stands before elements."""
    return b"\xf0\xf0" + packed_time(moment, seconds=False)


def down_frame(heard: Frame, now: datetime, etx: int = framing.ESC) -> bytes:
    """The centre's confirmation of a report: same function and serial number. ESC = stay on line."""
    head = bytes.fromhex(heard.station + heard.center + heard.password + heard.func)
    return seal(head, 8, bytes.fromhex(heard.serial) + packed_time(now), etx)
