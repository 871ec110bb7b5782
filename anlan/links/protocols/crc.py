"""Check sums that several protocols share. Never: knowing a frame."""

import struct


def _tables() -> tuple[list[int], list[int]]:
    one = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        one.append(crc)
    # A 16-bit register is shifted out by two bytes, so one look-up per pair of bytes is the whole step.
    pair = [0] * 65536
    for word in range(65536):
        crc = word >> 8 ^ one[word & 0xFF]
        pair[word] = crc >> 8 ^ one[crc & 0xFF]
    return one, pair


_ONE, _PAIR = _tables()


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS; of b"123456789" it is 0x4B37."""
    crc = 0xFFFF
    even = len(data) & ~1
    for word in struct.unpack(f"<{even // 2}H", data[:even]):
        crc = _PAIR[crc ^ word]
    if even != len(data):
        crc = crc >> 8 ^ _ONE[(crc ^ data[-1]) & 0xFF]
    return crc
