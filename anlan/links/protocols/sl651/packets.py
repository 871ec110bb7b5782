"""One connection's packets → whole messages (SYN: a picture, or an answer that does not fit one frame).

The parts of one message are kept until the last of them is there. The centre confirms only the whole; a station that
hears nothing sends again, and what came already fills its place. Never: more memory than LARGEST for one connection.
"""

from datetime import datetime

from anlan.links.protocols.contract import Message
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import Frame, decode, joined
from anlan.links.protocols.sl651.encode import down_frame
from anlan.links.protocols.sl651.report import message_of

LARGEST = 2 * 1024 * 1024  # bytes; 500 packets of 4 KB, a camera of this standard sends some tens


class PacketSession:
    """Joins the packets that one station sends. A packet of another message, or too many bytes, begins anew."""

    def __init__(self) -> None:
        self._of: tuple[str, str, int] = ("", "", 0)
        self._parts: dict[int, tuple[Frame, bytes]] = {}
        self._bytes = 0

    def read(self, data: bytes, now: datetime) -> Message:
        """One frame → its message; the last packet to come → the message of all of them. Never raises."""
        frame = decode(data)
        if frame.stx != framing.SYN or frame.fault is not None or not 1 <= frame.packet_seq <= frame.packet_total:
            return message_of(frame, data, now)
        self._take(frame, data)
        if len(self._parts) < frame.packet_total:
            part = message_of(frame, data, now)
            part.kind, part.answer, part.samples, part.files, part.replies_to = "part", b"", [], [], ""
            return part
        frames = [self._parts[number][0] for number in range(1, frame.packet_total + 1)]
        raw = b"".join(self._parts[number][1] for number in range(1, frame.packet_total + 1))
        self._clear()
        whole = joined(frames)
        message = message_of(whole, raw, now)
        if whole.fault is None and message.kind == "report":
            message.answer = down_frame(whole, now)
        return message

    def _take(self, frame: Frame, data: bytes) -> None:
        of = (frame.station, frame.func, frame.packet_total)
        first = self._parts.get(1)
        anew = frame.packet_seq == 1 and first is not None and first[0].serial != frame.serial
        if of != self._of or anew or self._bytes + len(data) > LARGEST:
            self._clear()
            self._of = of
        old = self._parts.get(frame.packet_seq)
        self._bytes += len(data) - (len(old[1]) if old is not None else 0)
        self._parts[frame.packet_seq] = frame, data

    def _clear(self) -> None:
        self._of, self._parts, self._bytes = ("", "", 0), {}, 0

    @property
    def rest(self) -> int:
        """Bytes kept for packets to come."""
        return self._bytes
