"""`anlan decode sl651`: a record a line in, a JSON object a line out; and decoded frames as plain data for a page.

A line is the hex of one frame, or `STREAM<TAB>chunk<TAB>chunk…` which is cut into frames and answered by
{"frames": […]}.
"""

from anlan.links.protocols.sl651.bodies import status_words
from anlan.links.protocols.sl651.codec import Element, Frame, decode
from anlan.links.protocols.sl651.elements import FUNCTIONS, PARAMETER_FUNCTIONS, kind_of, parameter_of
from anlan.links.protocols.sl651.frame import Parameter
from anlan.links.protocols.sl651.framing import FrameSplitter

STATUS = "45"


def decode_line(line: str) -> dict[str, object]:
    """One line of input → what is printed for it."""
    head, *chunks = line.rstrip("\r\n").split("\t")
    if head.strip().upper() == "STREAM":
        splitter = FrameSplitter()
        frames = [as_data(decode(frame)) for chunk in chunks for frame in splitter.feed(_lenient(chunk))]
        return {"frames": frames, "dropped_bytes": splitter.dropped + splitter.rest}
    text = "".join(head.split())
    try:
        data = bytes.fromhex(text)
    except ValueError:
        good = next((i for i, c in enumerate(text) if c not in "0123456789abcdefABCDEF"), len(text))
        message = f"structure at byte {good // 2}: not a whole number of hex bytes"
        return {"error": message, "error_kind": "structure", "error_offset": good // 2}
    return as_data(decode(data))


def _lenient(chunk: str) -> bytes:
    """Hex of a chunk of a stream; what is no hex counts as dirt of no length."""
    text = "".join(c for c in chunk if c in "0123456789abcdefABCDEF")
    return bytes.fromhex(text[: len(text) & ~1])


def as_data(frame: Frame) -> dict[str, object]:
    """A frame as JSON-ready data; a key whose part the frame does not have is left out."""
    out: dict[str, object] = {}
    if frame.func:
        out |= {"center": frame.center, "station": frame.station, "password": frame.password, "func": frame.func}
        out |= {"func_name": FUNCTIONS.get(frame.func, ""), "direction": "up" if frame.up else "down"}
        out["length"] = frame.length
    if frame.crc_ok is not None:
        out |= {"crc_ok": frame.crc_ok, "etx": f"{frame.etx:02X}"}
    if frame.trailing:
        out["trailing_bytes"] = frame.trailing
    if frame.packet_total:
        out |= {"packet_total": frame.packet_total, "packet_seq": frame.packet_seq}
    if frame.serial:
        out |= {"serial": frame.serial, "send_time": frame.send_time and frame.send_time.isoformat()}
    if frame.station_in_body:
        out["station_in_body"] = frame.station_in_body
    if frame.station_type:
        out["station_type"] = frame.station_type
    if frame.obs_time is not None:
        out["obs_time"] = frame.obs_time.isoformat("T", "minutes")
    if frame.time_step:
        out["time_step"] = frame.time_step
    if frame.manual_text is not None:
        out["manual_text"] = frame.manual_text
    if frame.picture is not None:
        out["picture_bytes"] = len(frame.picture)
    out |= _other(frame)
    if frame.serial and frame.up:
        out["elements"] = [_element(element) for element in frame.elements]
    if frame.fault is not None:
        out |= {"error": str(frame.fault), "error_kind": frame.fault.kind, "error_offset": frame.fault.offset}
    return out


def _other(frame: Frame) -> dict[str, object]:
    """What frames carry that measure nothing: parameters, what is asked for, version, status, events, unread bytes."""
    out: dict[str, object] = {}
    if frame.parameters:
        out["parameters"] = [_parameter(found) for found in frame.parameters]
    if frame.begin is not None:
        out["begin"] = frame.begin.isoformat("T", "minutes")
    if frame.end is not None:
        out["end"] = frame.end.isoformat("T", "minutes")
    if frame.asked:
        parameters = frame.func in PARAMETER_FUNCTIONS or frame.func in ("47", "48")
        out["asked"] = [
            {"id": one.id, "name": (parameter_of if parameters else kind_of)(one.id).name} for one in frame.asked
        ]
    if frame.version is not None:
        out["version"] = frame.version
    if frame.status:
        out |= {"status": frame.status, "alarms": frame.alarms}
    if frame.events:
        out["events"] = frame.events
    if frame.rest:
        out["raw"] = frame.rest.hex().upper()
    return out


def _parameter(found: Parameter) -> dict[str, object]:
    kind = parameter_of(found.id)
    out: dict[str, object] = {"id": found.id, "name": kind.name, "unit": kind.unit, "value": found.value}
    out["raw"] = found.raw
    return out | ({"quality": found.quality} if found.quality else {})


def _element(element: Element) -> dict[str, object]:
    kind = kind_of(element.id)
    out: dict[str, object] = {"id": element.id, "name": kind.name, "unit": kind.unit}
    if element.values is not None:
        out["values"] = element.values
    else:
        out["value"] = element.value
    out["obs"] = element.obs and element.obs.isoformat("T", "minutes")
    if element.quality:
        out["quality"] = element.quality
    if element.raw:
        out["raw"] = element.raw
    if element.id == STATUS and isinstance(element.value, str):
        out["alarms"] = status_words(bytes.fromhex(element.value))
    return out
