"""A device's register map as data: which registers are which metric, of what type, and how words and bytes stand.

Four orders, as makers name them: ABCD big end first, CDAB words swapped, BADC bytes swapped, DCBA both.
Never: sockets.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anlan.links.protocols.modbus.rtu import MOST, READ_BITS

WORDS = {"bit": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "float64": 4}
FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "float64": ">d",
}
Type = Literal["bit", "int16", "uint16", "int32", "uint32", "float32", "int64", "float64"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]


class Point(BaseModel):
    """One metric of a device. value = register × scale + offset, in the metric's unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(pattern=r"^[a-z0-9]+([._][a-z0-9]+)*$", max_length=40)
    function: Literal[1, 2, 3, 4] = 3
    address: int = Field(ge=0, le=0xFFFF, description="as on the wire: register 40001 is address 0 of function 3")
    type: Type = "int16"
    order: Order = "ABCD"
    scale: float = 1.0
    offset: float = 0.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.type == "bit") != (self.function in READ_BITS):
            raise ValueError("functions 1 and 2 read bits, 3 and 4 registers")
        if self.address + WORDS[self.type] > 0x10000:
            raise ValueError("ends behind the last register")
        return self

    @property
    def words(self) -> int:
        return WORDS[self.type]


class DeviceMap(BaseModel):
    """How to ask one device. host, port: where it, or its converter, listens; slave: its number on the line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, max_length=200)
    port: int = Field(502, ge=1, le=65535)
    slave: int = Field(1, ge=0, le=247)
    interval_s: float = Field(60, ge=1, le=86400)
    timeout_s: float = Field(5, gt=0, le=60)
    points: tuple[Point, ...] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [point.metric for point in self.points]
        if len(set(names)) != len(names):
            raise ValueError("a metric stands twice")
        return self


class Reading(BaseModel):
    """One request: function, first address, how many bits or registers, and the points it answers."""

    model_config = ConfigDict(frozen=True)

    function: int
    address: int
    count: int
    points: tuple[Point, ...]


def requests_of(points: Iterable[Point]) -> list[Reading]:
    """As few requests as adjacent registers allow; none between points is asked for (some devices refuse)."""
    out: list[Reading] = []
    for point in sorted(points, key=lambda one: (one.function, one.address, one.words)):
        last = out[-1] if out else None
        end = point.address + point.words
        if (
            last is not None
            and last.function == point.function
            and point.address <= last.address + last.count
            and end - last.address <= MOST[point.function]
        ):
            count = max(last.count, end - last.address)
            out[-1] = Reading(function=last.function, address=last.address, count=count, points=(*last.points, point))
        else:
            out.append(Reading(function=point.function, address=point.address, count=point.words, points=(point,)))
    return out


def value_of(point: Point, registers: Sequence[int], first: int) -> float | None:
    """A point's value out of registers that begin at address `first`; None where it is no number (NaN, infinite)."""
    at = point.address - first
    packed = b"".join(word.to_bytes(2, "big") for word in registers[at : at + point.words])
    if point.order in ("CDAB", "DCBA"):
        packed = b"".join(packed[i : i + 2] for i in range(len(packed) - 2, -1, -2))
    if point.order in ("BADC", "DCBA"):
        packed = b"".join(packed[i : i + 2][::-1] for i in range(0, len(packed), 2))
    raw = float(struct.unpack(FORMATS[point.type], packed)[0])
    value = raw * point.scale + point.offset
    return value if math.isfinite(value) else None


def values_of(reading: Reading, payload: bytes) -> Mapping[str, float | None]:
    """An answer's data bytes → value by metric."""
    if reading.function in READ_BITS:
        bits = int.from_bytes(payload, "little")
        return {
            point.metric: float(bits >> (point.address - reading.address) & 1) * point.scale + point.offset
            for point in reading.points
        }
    registers = [payload[i] << 8 | payload[i + 1] for i in range(0, len(payload) - 1, 2)]
    return {point.metric: value_of(point, registers, reading.address) for point in reading.points}


FIELDS = ("host", "port", "slave", "interval_s", "timeout_s")
COLUMNS = ("metric", "function", "address", "type", "order", "scale", "offset")
SAMPLE = """\
# metric, function, address, type, order, scale, offset
stage, 3, 0, uint16, ABCD, 0.01, 0
flow, 4, 10, float32, CDAB"""


def point_of(line: str) -> Point:
    """One line of a register map as people write it, columns as in COLUMNS; what is left out at the end has its
    default. ValueError says what is wrong."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) > len(COLUMNS):
        raise ValueError(f"at most {len(COLUMNS)} columns: {', '.join(COLUMNS)}")
    return Point.model_validate({name: _cell(name, cell) for name, cell in zip(COLUMNS, cells, strict=False) if cell})


def _cell(name: str, cell: str) -> str | int:
    if name in ("function", "address"):
        return int(cell, 16) if cell.lower().startswith("0x") else int(cell)
    return cell


def line_of(point: Point) -> str:
    """A point as `point_of` reads it."""
    return ", ".join(
        f"{getattr(point, name):g}" if name in ("scale", "offset") else str(getattr(point, name)) for name in COLUMNS
    )
