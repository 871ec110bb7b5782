"""What a decoded SL 651 frame is, and how its packed decimals and times are read. Never: the order of a body."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from anlan.links.protocols.sl651.framing import Fault

MISSING, BAD_BCD = "missing", "bad_bcd"
SCALES = tuple(10**n for n in range(8))


@dataclass(slots=True)
class Element:
    """A decoded element: `value`, or `values` where the identifier stands before several. raw: hex of what the table
    does not know or what is no packed decimal."""

    id: str
    obs: datetime | None
    value: float | str | None = None
    values: list[float | None] | None = None
    quality: str = ""
    raw: str = ""


@dataclass(slots=True)
class Parameter:
    """A parameter of functions 40-43 and 49. value None = not in the table, `raw` (hex) is all."""

    id: str
    raw: str
    value: float | str | None = None
    quality: str = ""


@dataclass(slots=True)
class Asked:
    """An element or parameter that a centre asks for, with the definition byte behind it."""

    id: str
    definition: int | None


@dataclass(slots=True)
class Frame:
    """A frame as sent. Times are naive Beijing time; hex texts are upper case. rest: what nobody could read."""

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
    parameters: list[Parameter] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    begin: datetime | None = None
    end: datetime | None = None
    version: str | None = None
    status: str = ""
    alarms: list[str] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    rest: bytes = b""
    body: bytes = b""
    trailing: int = 0
    crc_ok: bool | None = None
    fault: Fault | None = None


class Overrun(Exception):
    """An element says it is longer than the body; index counts in the body."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index, self.message = index, message


@lru_cache(8192)  # many stations speak of the same moments, and each frame of its time again and again
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


def number(packed: bytes, decimals: int) -> tuple[float | None, str]:
    """Packed decimal → value and quality. All FF = missing; a leading FF = negative; other letters = bad_bcd."""
    digits = packed.hex()
    if digits.isdigit():
        return int(digits) / SCALES[decimals], ""
    if not digits.strip("f"):
        return None, MISSING
    if digits.startswith("ff") and digits[2:].isdigit():
        return -int(digits[2:]) / SCALES[decimals], ""
    return None, BAD_BCD
