"""One SL 651 frame → its values. Decoding never raises on any bytes.

An error is about check sum, length or structure and names the byte offset; an element that cannot be read is None with
its quality, and the rest of the frame stands. Dates are taken as they are (years 20YY): judging them is for the
pipeline. Never: a decision, a clock, storage.
"""

from dataclasses import dataclass, field
from datetime import datetime

from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.elements import DATA_FUNCTIONS, ElementKind, kind_of

MISSING, BAD_BCD = "missing", "bad_bcd"
SCALES = tuple(10**n for n in range(8))


@dataclass(slots=True)
class Element:
    """A decoded element: `value`, or `values` where the identifier stands before several."""

    id: str
    obs: datetime | None
    value: float | str | None = None
    values: list[float | None] | None = None
    quality: str = ""


@dataclass(slots=True)
class Fault:
    """What is wrong with a frame: kind is checksum, length or structure; offset counts from the frame's first byte."""

    kind: str
    offset: int
    message: str

    def __str__(self) -> str:
        return f"{self.kind} at byte {self.offset}: {self.message}"


@dataclass(slots=True)
class Frame:
    """A frame as sent. Times are naive Beijing time; hex texts are upper case."""

    center: str = ""
    station: str = ""
    password: str = ""
    func: str = ""
    up: bool = True
    length: int = 0
    stx: int = 0
    etx: int = 0
    packet_total: int = 0
    packet_seq: int = 0
    serial: str = ""
    send_time: datetime | None = None
    station_in_body: str = ""
    station_type: str = ""
    obs_time: datetime | None = None
    time_step: str = ""
    elements: list[Element] = field(default_factory=list)
    manual_text: str | None = None
    picture: bytes | None = None
    body: bytes = b""
    trailing: int = 0
    crc_ok: bool | None = None
    fault: Fault | None = None


class _Overrun(Exception):
    """An element says it is longer than the body; args: index in the body, message."""


def decode(data: bytes) -> Frame:
    """Decode one frame that begins at the first byte. One stray 7E behind it is normal on real links."""
    frame = Frame()
    if data[:2] != framing.HEAD:
        frame.fault = Fault("structure", 0, "no 7E7E at the beginning")
        return frame
    if len(data) < framing.HEADER:
        frame.fault = Fault("length", len(data), f"truncated: a header has {framing.HEADER} bytes")
        return frame
    _header(frame, data)
    if frame.fault is not None:
        return frame
    end = framing.HEADER + frame.length
    if len(data) < end + framing.TAIL:
        frame.fault = Fault("length", len(data), f"truncated: {end + framing.TAIL} bytes declared")
        return frame
    frame.etx = data[end]
    frame.trailing = len(data) - end - framing.TAIL
    want, got = framing.crc16(data[: end + 1]), data[end + 1] << 8 | data[end + 2]
    frame.crc_ok = want == got
    if not frame.crc_ok:
        frame.fault = Fault("checksum", end + 1, f"CRC {got:04X}, computed {want:04X}")
        return frame
    if frame.etx not in framing.ENDINGS:
        frame.fault = Fault("structure", end, f"{frame.etx:02X} is no ending byte")
        return frame
    frame.body = data[framing.HEADER : end]
    _body(frame)
    return frame


def _header(frame: Frame, data: bytes) -> None:
    text = data[2 : framing.HEADER].hex().upper()
    direction = data[11] >> 4
    if direction not in (0, 8):
        frame.fault = Fault("structure", 11, f"direction {direction:X} is neither 0 (up) nor 8 (down)")
        return
    frame.up = direction == 0
    # Up: centre, then station. Down: station, then centre.
    frame.center, frame.station = (text[:2], text[2:12]) if frame.up else (text[10:12], text[:10])
    frame.password, frame.func = text[12:16], text[16:18]
    frame.length = (data[11] & 0x0F) << 8 | data[12]
    frame.stx = data[13]
    if data[13] not in (framing.STX, framing.SYN):
        frame.fault = Fault("structure", 13, f"{data[13]:02X} is neither STX nor SYN")


def _body(frame: Frame) -> None:
    body, index = frame.body, 0
    if frame.stx == framing.SYN:
        # Several packets: how many (12 bits), which one (12 bits); only the first has serial number and time.
        if len(body) < 3:
            frame.fault = Fault("structure", framing.HEADER + len(body), "packet without its number")
            return
        index = 3
        frame.packet_total = body[0] << 4 | body[1] >> 4
        frame.packet_seq = (body[1] & 0x0F) << 8 | body[2]
        if frame.packet_seq != 1:
            frame.picture = body[index:] if frame.func == "36" else None
            return
    if len(body) < index + 8:
        frame.fault = Fault("structure", framing.HEADER + len(body), "body too short for serial number and time")
        return
    frame.serial = body[index : index + 2].hex().upper()
    frame.send_time = bcd_time(body[index + 2 : index + 8])
    if frame.up:
        try:
            _walk(frame, body, index + 8)
        except _Overrun as overrun:
            at, message = overrun.args
            frame.fault = Fault("structure", framing.HEADER + at, message)


def bcd_time(packed: bytes) -> datetime | None:
    """BCD YYMMDDhhmm[ss] → Beijing time without zone; None where it is no date."""
    digits = packed.hex()
    if not digits.isdigit():
        return None
    year, month, day, hour, minute, second = (*(int(digits[i : i + 2]) for i in range(0, len(digits), 2)), 0)[:6]
    try:
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001 - the protocol has no zone; `report` adds it
    except ValueError:
        return None


def _walk(frame: Frame, body: bytes, index: int) -> None:
    """Read the elements one after another; those before a fault stand."""
    obs: datetime | None = None
    data = frame.func in DATA_FUNCTIONS
    while index < len(body):
        tag = body[index]
        twice = index + 1 < len(body) and body[index + 1] == tag
        if tag == 0xF1 and twice:
            end = index + (8 if data else 7)
            _need(body, index, end)
            frame.station_in_body = body[index + 2 : index + 7].hex().upper()
            frame.station_type = body[index + 7 : end].hex().upper()
            index = end
        elif not data:
            return
        elif tag == 0xF0 and twice:
            _need(body, index, index + 7)
            obs = bcd_time(body[index + 2 : index + 7])
            frame.obs_time = obs if frame.obs_time is None else frame.obs_time
            index += 7
        elif tag == 0xF2 and twice:
            frame.manual_text = body[index + 2 :].decode("gb18030", "replace")
            return
        elif tag == 0xF3 and twice:
            frame.picture = body[index + 2 :]
            return
        elif tag == 0x04 and index + 1 < len(body) and body[index + 1] == 0x18:
            _need(body, index, index + 5)
            frame.time_step = body[index + 2 : index + 5].hex().upper()
            index += 5
        else:
            index = _element(frame, body, index, obs)


def _need(body: bytes, index: int, end: int) -> None:
    if end > len(body):
        raise _Overrun(index, f"element {body[index]:02X} ends {end - len(body)} bytes behind the body")


def _element(frame: Frame, body: bytes, index: int, obs: datetime | None) -> int:
    """Read one measured element at `index`; returns the index behind it."""
    identifier, start = f"{body[index]:02X}", index + 1
    if body[index] == 0xFF:
        _need(body, index, index + 2)
        identifier, start = f"FF{body[index + 1]:02X}", index + 2
    _need(body, index, start + 1)
    definition = body[start]
    size, decimals, start = definition >> 3, definition & 7, start + 1
    kind = kind_of(identifier)
    if kind.form in ("rain5", "level5"):
        size = _list_size(kind, size, body, start)
        _need(body, index, start + size)
        frame.elements.append(_listed(kind, body[start : start + size], obs))
        return start + size
    _need(body, index, start + size)
    if not frame.time_step or not size:
        element = Element(identifier, obs)
        element.value, element.quality = number(kind, body[start : start + size], decimals)
        frame.elements.append(element)
        return start + size
    # With a time step the identifier stands once and its values follow until the end, or until other elements.
    count = _repeats(body, start, size)
    read = [number(kind, body[i : i + size], decimals) for i in range(start, start + count * size, size)]
    values = [value if isinstance(value, float | int) else None for value, _quality in read]
    quality = next((quality for _value, quality in read if quality), "")
    frame.elements.append(Element(identifier, obs, values=values, quality=quality))
    return start + count * size


def number(kind: ElementKind, packed: bytes, decimals: int) -> tuple[float | str | None, str]:
    """Packed decimal → value and quality. All FF = missing; a leading FF = negative; other letters = bad_bcd."""
    digits = packed.hex()
    if kind.form == "hex":
        return digits.upper(), ""
    if digits.isdigit():
        return int(digits) / SCALES[decimals], ""
    if not digits.strip("f"):
        return None, MISSING
    if digits.startswith("ff") and digits[2:].isdigit():
        return -int(digits[2:]) / SCALES[decimals], ""
    return None, BAD_BCD


def _listed(kind: ElementKind, packed: bytes, obs: datetime | None) -> Element:
    """F4: bytes of 0.1 mm; F5-FC: words of 0.01 m; all ones = missing."""
    if kind.form == "rain5":
        values = [None if byte == 0xFF else byte / 10 for byte in packed]
    else:
        words = [packed[i] << 8 | packed[i + 1] for i in range(0, len(packed) - 1, 2)]
        values = [None if word == 0xFFFF else word / 100 for word in words]
    quality = MISSING if None in values else ""
    return Element(kind.id, obs, values=values, quality=quality)


def _list_size(kind: ElementKind, declared: int, body: bytes, start: int) -> int:
    """Bytes of a list element. Some stations declare 11 (definition 5C) and send the standard's 24."""
    standard = 12 if kind.form == "rain5" else 24
    odd = kind.form == "level5" and declared % 2 == 1
    if declared == standard or start + standard > len(body):
        return declared
    if odd or not (_parses(body, start + declared)):
        return standard if _parses(body, start + standard) or odd else declared
    return declared


def _repeats(body: bytes, start: int, size: int) -> int:
    """How many values of `size` bytes follow: all that fit, or as many as leave a readable rest."""
    most = (len(body) - start) // size
    for count in range(most, 0, -1):
        if _parses(body, start + count * size):
            return count
    return most


def _parses(body: bytes, index: int) -> bool:
    """The rest of the body is a clean row of elements (structure only)."""
    while index < len(body):
        tag = body[index]
        if tag == 0xF0 and body[index : index + 2] == b"\xf0\xf0":
            index += 7
            continue
        start = index + (2 if tag == 0xFF else 1)
        if start >= len(body):
            return False
        kind = kind_of(f"{tag:02X}") if tag != 0xFF else None
        size = body[start] >> 3
        if kind is not None and kind.form == "level5" and size % 2:
            size = 24
        if not size:
            return False
        index = start + 1 + size
    return index == len(body)
