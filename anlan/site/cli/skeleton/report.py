"""A decoded message → samples for the pipeline, the answer, and what `anlan decode` prints."""

from datetime import datetime

from anlan.kernel.clock import BEIJING
from anlan.links.protocols.contract import Message, Sample
from anlan.site.cli.skeleton.codec import Frame, decode


def read(data: bytes, _now: datetime) -> Message:
    """One whole message. Never raises."""
    frame = decode(data)
    message = Message(frame.station, f"{frame.serial}:{frame.sent}", "report", raw=data, error=frame.error)
    if frame.error or frame.sent is None:
        return message
    message.sent_ms = round(frame.sent.replace(tzinfo=BEIJING).timestamp() * 1000)
    message.samples = [Sample(metric, message.sent_ms, value) for metric, value in frame.values.items()]
    message.answer = f"OK {frame.serial}\n".encode()
    return message


def decode_line(line: str) -> dict[str, object]:
    """One line of `anlan decode`: the hex of a message."""
    try:
        return as_data(decode(bytes.fromhex("".join(line.split()))))
    except ValueError:
        return {"error": "structure at byte 0: not a whole number of hex bytes"}


def as_data(frame: Frame) -> dict[str, object]:
    out: dict[str, object] = {"station": frame.station, "serial": frame.serial, "values": frame.values}
    if frame.sent is not None:
        out["sent"] = frame.sent.isoformat()
    if frame.error:
        out["error"] = frame.error
    return out
