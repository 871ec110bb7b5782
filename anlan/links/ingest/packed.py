"""The packed body: a header, a table of names, three columns, little endian. Layout in docs/ingest.md, version 1.

Strict: length, counts, reserved bytes and check sum must be right to the byte. Never: a guess at a damaged body.
"""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .shape import Body, BodyFault, Name, Tables, check_columns, split_name

CONTENT_TYPE = "application/vnd.anlan.readings"
MAGIC, VERSION = b"ANLR", 1
HEADER = struct.Struct("<4sHHIIII")
"""magic, version, flags (0), names, readings, bytes of the table, CRC-32 of all that follows."""
NAMES_MAX = 65_535


def encode_packed(names: Sequence[str], index: npt.ArrayLike, times_ms: npt.ArrayLike, values: npt.ArrayLike) -> bytes:
    """What a sender writes. names: `metric` or `address/metric`; index: into names; values: NaN = none."""
    table = b"".join(struct.pack("<B", len(raw)) + raw for raw in (name.encode() for name in names))
    table += bytes(-len(table) % 8)
    columns = np.asarray(times_ms, "<i8").tobytes() + np.asarray(values, "<f8").tobytes()
    numbers = np.asarray(index, "<i4")
    rest = table + columns + numbers.tobytes()
    return HEADER.pack(MAGIC, VERSION, 0, len(names), len(numbers), len(table), zlib.crc32(rest)) + rest


def decode_packed(data: bytes, tables: Tables) -> Body:
    """Bytes → columns. Raises BodyFault with the byte that is wrong."""
    if len(data) < HEADER.size:
        raise BodyFault(f"{len(data)} bytes; a header has {HEADER.size}", field="header", byte=len(data))
    magic, version, flags, names, count, size, check = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BodyFault(f"begins with {magic.hex()}, not {MAGIC.hex()}", field="magic", byte=0)
    if version != VERSION:
        raise BodyFault(f"version {version}; this program reads {VERSION}", field="version", byte=4)
    if flags:
        raise BodyFault(f"flags {flags:04x} are reserved and must be 0", field="flags", byte=6)
    if size % 8 or names > NAMES_MAX:
        raise BodyFault(f"{names} names in a table of {size} bytes", field="header", byte=8)
    want = HEADER.size + size + 20 * count
    if len(data) != want:
        raise BodyFault(f"{len(data)} bytes; the header says {want}", field="length", byte=min(len(data), want))
    if zlib.crc32(memoryview(data)[HEADER.size :]) != check:
        raise BodyFault("the check sum is not that of the body", field="crc", byte=20)
    table = data[HEADER.size : HEADER.size + size]
    at = HEADER.size + size
    times = np.frombuffer(data, "<i8", count, at).astype(np.int64, copy=False)
    values = np.frombuffer(data, "<f8", count, at + 8 * count).astype(np.float64, copy=False)
    index = np.frombuffer(data, "<i4", count, at + 16 * count).astype(np.int32, copy=False)
    outside = (index < 0) | (index >= names)
    if outside.any():
        row = int(np.argmax(outside))
        raise BodyFault(
            f"s[{row}]: {int(index[row])} of {names} names", field="s", row=row, byte=at + 16 * count + 4 * row
        )
    check_columns(times, values)
    return Body(
        tables.names(b"%d:%s" % (names, table), lambda: _names(table, names)), index, times, values, table=table
    )


def _names(table: bytes, count: int) -> list[Name]:
    names: list[Name] = []
    at = 0
    for number in range(count):
        if at >= len(table) or at + 1 + table[at] > len(table):
            raise BodyFault(f"name {number} ends behind the table", field="table", byte=HEADER.size + at)
        raw = table[at + 1 : at + 1 + table[at]]
        try:
            names.append(split_name(raw.decode()))
        except ValueError as error:
            raise BodyFault(f"name {number}: {error}", field="table", byte=HEADER.size + at + 1) from error
        at += 1 + len(raw)
    if any(table[at:]) or len(table) - at > 7:
        raise BodyFault("behind the names is more than up to 7 zero bytes", field="table", byte=HEADER.size + at)
    return names
