"""One series' readings ↔ a few bytes: what a chunk and a roll-up are written in. Pure; bit-exact both ways.

Times become differences of differences (a station that reports evenly leaves zeros), values that are decimals become
whole numbers and their differences, other values are combined with the one before by XOR; each column is laid byte
plane by byte plane and all go through zlib together. zlib, not a stronger packer: it is in every Python, and rows of a
few hundred readings are bounded by what the sensor says, not by the packer.
Never: a row lost, a value rounded, or bytes of another format taken for these.
"""

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_DECIMALS = 6
EXACT = 2.0**53
LEVEL = 6
FORMAT = 1
TIME_UNITS = (60_000, 1000, 1)


def _planes(numbers: Ints) -> bytes:
    """Whole numbers → a width and their bytes, plane by plane; all zeros → nothing but the width."""
    folded = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)  # small for small numbers of either sign
    top = int(folded.max()) if len(folded) else 0
    width = next(w for w in (0, 1, 2, 4, 8) if top < 1 << (8 * w))
    if width == 0:
        return b"\0"
    small = folded.astype(f"<u{width}")
    return bytes([width]) + small.view(np.uint8).reshape(-1, width).T.tobytes()


def _numbers(packed: bytes, count: int) -> Ints:
    width = packed[0]
    if width == 0:
        return np.zeros(count, np.int64)
    planes = np.frombuffer(packed, np.uint8, width * count, 1).reshape(width, count)
    folded = np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(count).astype(np.uint64)
    return (folded >> np.uint64(1)).astype(np.int64) ^ -((folded & np.uint64(1)).astype(np.int64))


def _differences(numbers: Ints) -> Ints:
    return np.diff(numbers, prepend=np.int64(0))


def pack_times(times: Ints) -> bytes:
    """Rising or falling times in ms; whole minutes or seconds cost less."""
    unit = next(u for u in TIME_UNITS if not np.any(times % u))
    return bytes([TIME_UNITS.index(unit)]) + _planes(_differences(_differences(times // unit)))


def unpack_times(packed: bytes, count: int) -> Ints:
    twice = _numbers(packed[1:], count)
    return np.cumsum(np.cumsum(twice)) * TIME_UNITS[packed[0]]


def pack_ints(numbers: Ints) -> bytes:
    return _planes(_differences(numbers))


def unpack_ints(packed: bytes, count: int) -> Ints:
    return np.cumsum(_numbers(packed, count))


def decimals_of(values: Floats) -> int | None:
    """The fewest decimals that give each value back bit by bit; None = these are no short decimals."""
    if not np.isfinite(values).all():
        return None
    top = float(np.abs(values).max()) if len(values) else 0.0
    for digits in range(MOST_DECIMALS + 1):
        if top * 10.0**digits >= EXACT:
            return None
        back = np.rint(values * 10.0**digits) / 10.0**digits
        if np.array_equal(back.view(np.int64), values.view(np.int64)):
            return digits
    return None


def pack_values(values: Floats) -> bytes:
    """Values, NaN where there is none."""
    gone = np.isnan(values)
    if gone.any():
        mask = np.packbits(gone).tobytes()
        known = np.ascontiguousarray(values[~gone])
    else:
        mask, known = b"", np.ascontiguousarray(values)
    digits = decimals_of(known)
    if digits is None:
        bits = known.view(np.int64)
        body = b"\xff" + _planes(bits ^ np.concatenate((np.zeros(1, np.int64), bits[:-1])))
    else:
        body = bytes([digits]) + pack_ints(np.rint(known * 10.0**digits).astype(np.int64))
    return len(mask).to_bytes(4, "little") + mask + body


def unpack_values(packed: bytes, count: int) -> Floats:
    masked = int.from_bytes(packed[:4], "little")
    body = packed[4 + masked :]
    if masked:
        gone = np.unpackbits(np.frombuffer(packed, np.uint8, masked, 4), count=count).astype(bool)
    else:
        gone = np.zeros(count, bool)
    held = count - int(gone.sum())
    values = np.full(count, np.nan)
    if body[0] == 0xFF:
        values[~gone] = np.bitwise_xor.accumulate(_numbers(body[1:], held)).view(np.float64)
    else:
        values[~gone] = unpack_ints(body[1:], held) / 10.0 ** body[0]
    return values


def close_up(count: int, parts: Sequence[bytes]) -> bytes:
    """Packed columns → the bytes that are stored (with zlib's check sum)."""
    return zlib.compress(msgspec.msgpack.encode([FORMAT, count, *parts]), LEVEL)


def open_up(packed: bytes) -> tuple[int, list[bytes]]:
    """How many rows, and their packed columns. ValueError for bytes that are damaged or of another format."""
    try:
        form, count, *parts = msgspec.msgpack.decode(zlib.decompress(packed))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"damaged chunk: {error}") from error
    if form != FORMAT:
        raise ValueError(f"chunk of format {form}; this program reads {FORMAT}")
    return count, parts
