"""Bodies that carry no measurements: parameters, status, version, events, and what a centre asks for.

Each reader takes the frame and the index behind serial number, time and station. It raises Overrun where an item says
that it is longer than the body; what was read before stands. What is not known is kept raw in `frame.rest`, and shown.
"""

from collections.abc import Callable

from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.elements import EVENTS, PARAMETERS, STATUS_BITS, parameter_of
from anlan.links.protocols.sl651.frame import Asked, Frame, Overrun, Parameter, bcd_time, number

CHANNELS = {0: "停用", 1: "短信", 2: "IPv4", 3: "北斗", 4: "海事卫星", 5: "PSTN", 6: "超短波"}


def need(body: bytes, index: int, end: int) -> None:
    """Raises Overrun where the item at `index` would end behind the body."""
    if end > len(body):
        raise Overrun(index, f"element {body[index]:02X} ends {end - len(body)} bytes behind the body")


def parameters(frame: Frame, index: int) -> None:
    """Identifier, definition byte (bytes << 3 | decimals), value; again and again."""
    body = frame.body
    while index < len(body):
        need(body, index, index + 2)
        identifier, definition = f"{body[index]:02X}", body[index + 1]
        end = index + 2 + (definition >> 3)
        need(body, index, end)
        frame.parameters.append(_parameter(identifier, body[index + 2 : end], definition & 7))
        index = end


def _parameter(identifier: str, packed: bytes, decimals: int) -> Parameter:
    kind = parameter_of(identifier)
    found = Parameter(identifier, packed.hex().upper())
    if kind.form == "bcd":
        found.value, found.quality = number(packed, decimals)
    elif kind.form == "text":
        found.value = packed.decode("ascii", "replace")
    elif kind.form == "channel":
        found.value = _channel(packed)
    elif identifier in PARAMETERS:
        found.value = packed.hex().upper()
    return found


def _channel(packed: bytes) -> str | None:
    """Kind of link, then its address: of IPv4 four groups of three digits and the port."""
    if not packed:
        return None
    name, digits = CHANNELS.get(packed[0], f"{packed[0]:02X}"), packed[1:].hex().upper()
    if packed[0] == 2 and len(digits) == 18 and digits.isdigit():
        groups = [int(digits[i : i + 3]) for i in (0, 3, 6, 9)]
        return f"{name} {'.'.join(map(str, groups))}:{int(digits[12:])}"
    return f"{name} {digits.lstrip('A')}".rstrip()


def asked(frame: Frame, index: int) -> None:
    """What a centre wants: identifiers, each with its definition byte."""
    body = frame.body
    while index < len(body):
        start = index + (2 if body[index] == 0xFF else 1)
        need(body, index, start)
        identifier = body[index:start].hex().upper()
        frame.asked.append(Asked(identifier, body[start] if start < len(body) else None))
        index = start + 1


def asked_range(frame: Frame, index: int) -> None:
    """Function 38 down: from, to (YYMMDDhh each), time step, one identifier."""
    body = frame.body
    need(body, index, index + 8)
    frame.begin, frame.end = bcd_time(body[index : index + 4] + b"\0"), bcd_time(body[index + 4 : index + 8] + b"\0")
    index += 8
    if body[index : index + 2] == b"\x04\x18":
        need(body, index, index + 5)
        frame.time_step = body[index + 2 : index + 5].hex().upper()
        index += 5
    asked(frame, index)


def version(frame: Frame, index: int) -> None:
    """Function 45 up: a length byte and the text."""
    body = frame.body
    need(body, index, index + 1)
    need(body, index, index + 1 + body[index])
    frame.version = body[index + 1 : index + 1 + body[index]].decode("gb18030", "replace")


def status(frame: Frame, index: int) -> None:
    """Functions 46 and 4B: element 45 and its 32 bits."""
    body = frame.body
    need(body, index, index + 1)
    if body[index] != 0x45:
        frame.rest = body[index:]
        return
    need(body, index, index + 6)
    bits = body[index + 2 : index + 6]
    frame.status = bits.hex().upper()
    frame.alarms = status_words(bits)
    frame.rest = body[index + 6 :]


def status_words(bits: bytes) -> list[str]:
    """The names of the bits that are set."""
    value = int.from_bytes(bits, "big")
    return [name for place, name in enumerate(STATUS_BITS) if value >> place & 1]


def events(frame: Frame, index: int) -> None:
    """Function 50 up: 32 counters of two bytes, the last 14 of them spare."""
    body = frame.body
    need(body, index, index + 2 * len(EVENTS))
    frame.events = {
        name: body[index + 2 * place] << 8 | body[index + 2 * place + 1] for place, name in enumerate(EVENTS)
    }


def raw(frame: Frame, index: int) -> None:
    """Bodies on which no two public sources agree: kept as they stand."""
    frame.rest = frame.body[index:]


Reader = Callable[[Frame, int], None]
UP: dict[str, Reader] = {
    **dict.fromkeys(("40", "41", "42", "43", "49"), parameters),
    "45": version, "46": status, "4B": status, "50": events,
}  # fmt: skip
DOWN: dict[str, Reader] = {
    "38": asked_range, "3A": asked, "40": parameters, "41": asked, "42": parameters, "43": asked, "49": parameters,
    "47": asked, "48": asked,
}  # fmt: skip


def read_body(frame: Frame, index: int) -> None:
    """Read what stands behind serial number, time and station of a frame that carries no measurements."""
    if index >= len(frame.body):
        return
    reader = (UP if frame.up else DOWN).get(frame.func, raw)
    try:
        reader(frame, index)
    except Overrun as overrun:
        frame.fault = framing.Fault("structure", framing.HEADER + overrun.index, overrun.message)
