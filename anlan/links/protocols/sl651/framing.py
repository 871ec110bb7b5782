"""Bytes on the wire ↔ whole frames: check sum, and a splitter that survives split, joined and dirty input.

Frame (HEX form, §6): 7E7E, 12 bytes of addresses and function, length, STX 02 or SYN 16, body, one ending byte, CRC-16
(polynomial A001, start FFFF, high byte first). Never: looking into the body.
"""

import heapq
from dataclasses import dataclass

from anlan.links.protocols.crc import crc16

HEAD = b"\x7e\x7e"
HEADER = 14  # 7E7E + centre 1 + station 5 + password 2 + function 1 + direction and length 2 + STX or SYN 1
TAIL = 3  # ending byte + CRC
LONGEST = HEADER + 0xFFF + TAIL
STX, SYN = 0x02, 0x16
ETX, EOT, ENQ, ACK, NAK, ETB, ESC = 0x03, 0x04, 0x05, 0x06, 0x15, 0x17, 0x1B
ENDINGS = frozenset({ETX, EOT, ENQ, ACK, NAK, ETB, ESC})
CANDIDATES = 32  # beginnings watched at once; a flood of false ones cannot cost more


@dataclass(slots=True)
class Fault:
    """What is wrong with a frame: kind is checksum, length or structure; offset counts from the frame's first byte."""

    kind: str
    offset: int
    message: str

    def __str__(self) -> str:
        return f"{self.kind} at byte {self.offset}: {self.message}"


def frame_length(buffer: bytes | bytearray, start: int) -> int:
    """Length of the frame that begins at `start`, 0 when its header cannot be one. Needs HEADER bytes from there."""
    direction = buffer[start + 11] >> 4
    if direction not in (0, 8) or buffer[start + 13] not in (STX, SYN):
        return 0
    return HEADER + ((buffer[start + 11] & 0x0F) << 8 | buffer[start + 12]) + TAIL


def whole(frame: bytes) -> bool:
    """The ending byte is a legal one and the check sum is right."""
    return frame[-3] in ENDINGS and crc16(frame[:-2]) == frame[-2] << 8 | frame[-1]


class FrameSplitter:
    """One connection's bytes → its whole frames, in the order in which they end.

    A frame is accepted when its last byte is there, its check sum is right and it does not overlap an accepted one:
    a rule on the stream alone, so chunk borders change nothing, and a false or broken beginning never holds back the
    frames behind it. Keeps at most LONGEST bytes. `dropped` counts bytes that belonged to no frame.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # beginnings before this index have been seen
        self._free = 0  # first byte that no accepted frame has used
        self._open: list[tuple[int, int]] = []  # heap of (end, start) still waiting for bytes
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Frames that are complete with this chunk."""
        buffer = self._buffer
        out: list[bytes] = []
        buffer += chunk
        while True:
            start = buffer.find(HEAD, self._scanned)
            if start < 0 or start + HEADER > len(buffer):
                break
            self._scanned = start + 1
            self._close(start + HEADER, out)
            if start >= self._free:
                length = frame_length(buffer, start)
                if length:
                    self._watch(start + length, start)
        self._close(len(buffer), out)
        self._forget()
        return out

    def _watch(self, end: int, start: int) -> None:
        heapq.heappush(self._open, (end, start))
        if len(self._open) > CANDIDATES:
            self._open.remove(min(self._open, key=lambda candidate: candidate[1]))
            heapq.heapify(self._open)

    def _close(self, upto: int, out: list[bytes]) -> None:
        """Settle every watched frame that ends at or before `upto`."""
        while self._open and self._open[0][0] <= upto:
            end, start = heapq.heappop(self._open)
            if start < self._free:
                continue
            frame = bytes(self._buffer[start:end])
            if whole(frame):
                self.dropped += start - self._free
                self._free = end
                self._scanned = max(self._scanned, end)
                out.append(frame)

    def _forget(self) -> None:
        """Drop what no waiting or coming frame can need, and count what was in no frame."""
        buffer = self._buffer
        start = buffer.find(HEAD, self._scanned)
        keep = start if start >= 0 else max(len(buffer) - 1, self._scanned)
        for _end, begun in self._open:
            if begun >= self._free:
                keep = min(keep, begun)
        if keep > self._free:
            self.dropped += keep - self._free
            self._free = keep
        cut = min(keep, len(buffer))
        if cut:
            del buffer[:cut]
            self._scanned = max(0, self._scanned - cut)
            self._free -= cut
            self._open = [(end - cut, begun - cut) for end, begun in self._open if begun >= cut]
            heapq.heapify(self._open)

    @property
    def rest(self) -> int:
        """Bytes kept for the next chunk."""
        return len(self._buffer)
