"""One SL 651 frame → its values. Decoding never raises on any bytes.

An error is about check sum, length or structure and names the byte offset; an element that cannot be read is None with
its quality, and the rest of the frame stands. Dates are taken as they are (years 20YY): judging them is for the
pipeline. Never: a decision, a clock, storage.
"""

from collections.abc import Sequence
from datetime import datetime

from anlan.links.protocols.crc import crc16
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.bodies import need, read_body
from anlan.links.protocols.sl651.elements import DATA_FUNCTIONS, ELEMENTS, LISTS, ElementKind, kind_of
from anlan.links.protocols.sl651.frame import BAD_BCD, MISSING, Element, Frame, Overrun, bcd_time, number
from anlan.links.protocols.sl651.framing import Fault

__all__ = ["Element", "Fault", "Frame", "decode", "joined"]


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
    want, got = crc16(data[: end + 1]), data[end + 1] << 8 | data[end + 2]
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
            if frame.func == "36":
                frame.picture = body[index:]
            else:
                frame.rest = body[index:]
            return
    if len(body) < index + 8:
        frame.fault = Fault("structure", framing.HEADER + len(body), "body too short for serial number and time")
        return
    _content(frame, body, index)


def joined(parts: Sequence[Frame]) -> Frame:
    """All packets of one message, in order, as the one frame that they are. Its own body is that of all of them."""
    first, last = parts[0], parts[-1]
    whole = Frame(
        first.center, first.station, first.password, first.func, first.up, first.length, framing.STX, last.etx,
        packet_total=first.packet_total, packet_seq=last.packet_seq, crc_ok=True,
    )  # fmt: skip
    whole.body = b"".join(part.body[3:] for part in parts)
    _content(whole, whole.body, 0)
    return whole


def _content(frame: Frame, body: bytes, index: int) -> None:
    """Serial number and time of sending at `index`, then what the function carries."""
    frame.serial = body[index : index + 2].hex().upper()
    frame.send_time = bcd_time(body[index + 2 : index + 8])
    if not frame.up:
        read_body(frame, index + 8)
        return
    try:
        _walk(frame, body, index + 8)
    except Overrun as overrun:
        frame.fault = Fault("structure", framing.HEADER + overrun.index, overrun.message)


def _walk(frame: Frame, body: bytes, index: int) -> None:
    """Read the elements one after another; those before a fault stand."""
    obs: datetime | None = None
    data = frame.func in DATA_FUNCTIONS
    while index < len(body):
        tag = body[index]
        twice = index + 1 < len(body) and body[index + 1] == tag
        if tag == 0xF1 and twice:
            end = index + (8 if data else 7)
            need(body, index, end)
            frame.station_in_body = body[index + 2 : index + 7].hex().upper()
            frame.station_type = body[index + 7 : end].hex().upper()
            index = end
        elif not data:
            read_body(frame, index)
            return
        elif tag == 0xF0 and twice:
            need(body, index, index + 7)
            obs = bcd_time(body[index + 2 : index + 7])
            frame.obs_time = obs if frame.obs_time is None else frame.obs_time
            index += 7
        elif tag == 0xF2 and twice:
            frame.manual_text = body[index + 2 :].decode("gb18030", "replace")
            return
        elif tag == 0xF3 and twice:
            frame.picture = body[index + 2 :]
            return
        elif tag == 0xFD and twice:  # a batch of flow velocities: its inner order is in no public source
            frame.rest = body[index + 2 :]
            return
        elif tag == 0x04 and index + 1 < len(body) and body[index + 1] == 0x18:
            need(body, index, index + 5)
            frame.time_step = body[index + 2 : index + 5].hex().upper()
            index += 5
        else:
            index = _element(frame, body, index, obs)


def _element(frame: Frame, body: bytes, index: int, obs: datetime | None) -> int:
    """Read one measured element at `index`; returns the index behind it."""
    identifier, start = f"{body[index]:02X}", index + 1
    if body[index] == 0xFF:
        need(body, index, index + 2)
        identifier, start = f"FF{body[index + 1]:02X}", index + 2
    need(body, index, start + 1)
    definition = body[start]
    size, decimals, start = definition >> 3, definition & 7, start + 1
    kind = kind_of(identifier)
    if kind.form in LISTS:
        size = _list_size(kind, definition, body, start)
        need(body, index, start + size)
        frame.elements.append(_listed(kind, body[start : start + size], obs))
        return start + size
    need(body, index, start + size)
    if not frame.time_step or not size or kind.form == "hex":
        frame.elements.append(_single(kind, body[start : start + size], decimals, obs))
        return start + size
    # With a time step the identifier stands once and its values follow until the end, or until other elements.
    count = _repeats(body, start, size)
    end = start + count * size
    read = [number(body[i : i + size], decimals) for i in range(start, end, size)]
    quality = next((quality for _value, quality in read if quality), "")
    raw = body[start:end].hex().upper() if identifier not in ELEMENTS or quality == BAD_BCD else ""
    frame.elements.append(Element(identifier, obs, values=[value for value, _ in read], quality=quality, raw=raw))
    return end


def _single(kind: ElementKind, packed: bytes, decimals: int, obs: datetime | None) -> Element:
    if kind.form == "hex":
        return Element(kind.id, obs, packed.hex().upper())
    value, quality = number(packed, decimals)
    raw = packed.hex().upper() if kind.id not in ELEMENTS or quality == BAD_BCD else ""
    return Element(kind.id, obs, value, quality=quality, raw=raw)


def _listed(kind: ElementKind, packed: bytes, obs: datetime | None) -> Element:
    """F4: bytes of 0.1 mm; F5-FC: words of 0.01 m; all ones = missing."""
    if kind.form == "rain5":
        values = [None if byte == 0xFF else byte / 10 for byte in packed]
    else:
        words = [packed[i] << 8 | packed[i + 1] for i in range(0, len(packed) - 1, 2)]
        values = [None if word == 0xFFFF else word / 100 for word in words]
    quality = MISSING if None in values else ""
    return Element(kind.id, obs, values=values, quality=quality)


def _list_size(kind: ElementKind, definition: int, body: bytes, start: int) -> int:
    """Bytes of a list element: the definition byte holds them times 8 or, with some stations, as a plain number.
    Others declare 11 (definition 5C) and send the standard's 24."""
    standard, declared = LISTS[kind.form], definition >> 3
    if definition == standard:
        return standard
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
        elif kind is not None and body[start] == LISTS.get(kind.form):
            size = body[start]
        if not size:
            return False
        index = start + 1 + size
    return index == len(body)
