"""Modbus RTU frames ↔ facts. Decoding never raises on any bytes; whoever asked is the judge of an answer.

Frame: slave, function, data, CRC-16 low byte first. A frame alone does not say whether it is a request or a response:
by its length and by what a request may hold it mostly does, and where it does not, both sides of a talk know. Never:
sockets, meaning of a register.
"""

from dataclasses import dataclass

from anlan.links.protocols.crc import crc16

LONGEST = 256
READ_BITS, READ_REGISTERS = (1, 2), (3, 4)
MOST = {1: 2000, 2: 2000, 3: 125, 4: 125}
"""What one request may ask for, by function (Modbus application protocol V1.1b3, §6)."""
EXCEPTIONS = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure", 5: "acknowledge",
    6: "device busy", 8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target did not respond",
}  # fmt: skip


@dataclass(slots=True)
class Rtu:
    """A decoded frame; what it does not have is None. registers: unsigned 16 bits each. data: hex of packed bits."""

    slave: int | None = None
    func: int | None = None
    crc_ok: bool | None = None
    role: str = ""
    address: int | None = None
    count: int | None = None
    value: int | None = None
    on: bool | None = None
    registers: list[int] | None = None
    data: str | None = None
    exception: int | None = None
    error: str = ""


def seal(body: bytes) -> bytes:
    """Slave, function and data → a frame."""
    return body + crc16(body).to_bytes(2, "little")


def read_request(slave: int, func: int, address: int, count: int) -> bytes:
    """Ask for bits (1, 2) or registers (3, 4). ValueError where the protocol forbids it."""
    if func not in MOST or not 1 <= count <= MOST[func] or not 0 <= address <= 0xFFFF or not 0 <= slave <= 247:
        raise ValueError(f"no such request: slave {slave}, function {func}, address {address}, count {count}")
    return seal(bytes([slave, func]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def answer_length(head: bytes) -> int:
    """Length of the whole answer whose first three bytes are these (to a read, or an exception)."""
    return 5 if head[1] & 0x80 else 5 + head[2]


def registers_of(payload: bytes) -> list[int]:
    return [payload[i] << 8 | payload[i + 1] for i in range(0, len(payload) - 1, 2)]


def decode(frame: bytes) -> Rtu:
    """One whole frame → what it says."""
    out = Rtu()
    if len(frame) < 4:
        out.error = f"length at byte {len(frame)}: a frame has at least 4 bytes"
        return out
    out.slave, out.func = frame[0], frame[1]
    want, got = crc16(frame[:-2]), frame[-2] | frame[-1] << 8
    out.crc_ok = want == got
    if not out.crc_ok:
        out.error = f"checksum at byte {len(frame) - 2}: CRC {got:04X}, computed {want:04X}"
        return out
    payload, func = frame[2:-2], frame[1]
    if func & 0x80:
        _exception(out, payload)
    elif func in MOST:
        _read(out, payload, func)
    elif func in (5, 6):
        _single(out, payload, func)
    elif func in (15, 16):
        _several(out, payload, func)
    else:
        out.data = payload.hex().upper()
    return out


def _exception(out: Rtu, payload: bytes) -> None:
    out.role = "response"
    if len(payload) == 1:
        out.exception = payload[0]
    else:
        out.error = f"length at byte 2: an exception has one byte, this has {len(payload)}"


def _read(out: Rtu, payload: bytes, func: int) -> None:
    request = len(payload) == 4 and 1 <= (payload[2] << 8 | payload[3]) <= MOST[func]
    response = len(payload) > 1 and payload[0] == len(payload) - 1 and (func in READ_BITS or payload[0] % 2 == 0)
    if request and not response:
        out.role, out.address, out.count = "request", payload[0] << 8 | payload[1], payload[2] << 8 | payload[3]
    elif response:  # as long as a request and as legal as one: an answer is what a listener cares for
        out.role = "response"
        if func in READ_REGISTERS:
            out.registers = registers_of(payload[1:])
        else:
            out.data = payload[1:].hex().upper()
    else:
        out.error = f"structure at byte 2: neither a request nor an answer of function {func}"


def _single(out: Rtu, payload: bytes, func: int) -> None:
    """5 and 6 are answered by the same bytes, so there is no role."""
    if len(payload) != 4:
        out.error = f"length at byte 2: function {func} has 4 bytes, this has {len(payload)}"
        return
    out.address, out.value = payload[0] << 8 | payload[1], payload[2] << 8 | payload[3]
    if func == 5:
        if out.value not in (0, 0xFF00):
            out.error = f"structure at byte 4: a coil is FF00 or 0000, not {out.value:04X}"
        out.on = out.value == 0xFF00


def _several(out: Rtu, payload: bytes, func: int) -> None:
    if len(payload) < 4:
        out.error = f"length at byte {2 + len(payload)}: function {func} has at least 4 bytes"
        return
    out.address, out.count = payload[0] << 8 | payload[1], payload[2] << 8 | payload[3]
    if len(payload) == 4:
        out.role = "response"
        return
    size = (out.count + 7) // 8 if func == 15 else out.count * 2
    if payload[4] != len(payload) - 5 or payload[4] != size:
        out.error = f"length at byte 6: {payload[4]} bytes declared, {len(payload) - 5} there, {size} needed"
        return
    out.role = "request"
    if func == 15:
        out.data = payload[5:].hex().upper()
    else:
        out.registers = registers_of(payload[5:])
