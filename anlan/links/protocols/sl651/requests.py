"""What a centre asks of a station: frames going down, by the names that the device page uses.

Each ends with ENQ (an answer is wanted) and has a serial number of the centre's; the answer repeats function and serial
number. Never: sockets, clocks, deciding whether somebody may.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from anlan.links.protocols.contract import Request
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.elements import kind_of
from anlan.links.protocols.sl651.encode import packed_time, seal

FUNCTIONS = {
    "now": "37", "range": "38", "manual": "39", "elements": "3A", "version": "45", "status": "46", "clock": "4A",
    "events": "50", "read_clock": "51",
}  # fmt: skip
CENTER = "01"


def request(
    what: str, *, station: str, password: str, serial: int, now: datetime, details: Mapping[str, str]
) -> Request:
    """A request by its name. details: `range` wants begin and end (ISO, aware), element, step (DDhhmm); `elements`
    wants elements (identifiers with commas between); `center` where the station answers to another one than 01.

    Raises ValueError for an unknown name or a detail that is missing or wrong.
    """
    if what not in FUNCTIONS:
        raise ValueError(f"SL 651 has no request {what}")
    function = FUNCTIONS[what]
    head = bytes.fromhex(f"{station}{details.get('center', CENTER)}{password or '0000'}{function}")
    body = (serial & 0xFFFF).to_bytes(2, "big") + packed_time(now) + BODIES.get(what, _nothing)(details)
    return Request(seal(head, 8, body, framing.ENQ), f"{function}:{serial & 0xFFFF:04X}")


def _nothing(_details: Mapping[str, str]) -> bytes:
    return b""


def _wanted(identifier: str) -> bytes:
    return bytes.fromhex(identifier) + bytes([kind_of(identifier.upper()).definition])


def _elements(details: Mapping[str, str]) -> bytes:
    return b"".join(_wanted(one.strip()) for one in details.get("elements", "").split(",") if one.strip())


def _range(details: Mapping[str, str]) -> bytes:
    begin, end = (datetime.fromisoformat(details.get(name, "")) for name in ("begin", "end"))
    if begin.tzinfo is None or end.tzinfo is None or not begin < end:
        raise ValueError("begin and end: aware times, the earlier first")
    hours = b"".join(packed_time(moment, seconds=False)[:4] for moment in (begin, end))
    return hours + b"\x04\x18" + bytes.fromhex(details.get("step", "000100")) + _wanted(details.get("element", "F4"))


BODIES: dict[str, Callable[[Mapping[str, str]], bytes]] = {"range": _range, "elements": _elements}
