"""Modbus RTU over TCP as the registry knows it: devices are asked, they do not call."""

from datetime import datetime

from anlan.links.protocols.contract import Manifest, Message, Splitter
from anlan.links.protocols.modbus.lines import as_data, decode_line
from anlan.links.protocols.modbus.rtu import LONGEST, decode


class Whole:
    """Modbus borders are silences on the wire; over TCP the asker knows how long an answer is. A chunk is a frame."""

    dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        return [chunk[:LONGEST]] if chunk else []


def splitter() -> Splitter:
    return Whole()


def read(data: bytes, _now: datetime) -> Message:
    """One frame → message; its samples are made by the register map of whoever asked."""
    frame = decode(data)
    return Message(str(frame.slave or 0), data.hex(), "reply", raw=data, error=frame.error, facts=as_data(frame))


MANIFEST = Manifest(
    name="modbus",
    title="Modbus RTU over TCP",
    standard="Modbus Application Protocol V1.1b3",
    transport="poll",
    splitter=splitter,
    read=read,
    decode_line=decode_line,
    max_rest=LONGEST,
)
