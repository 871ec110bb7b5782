"""`anlan decode modbus`: the hex of one frame a line in, a JSON object a line out."""

from anlan.links.protocols.modbus.rtu import EXCEPTIONS, Rtu, decode

NAMES = {"data": "bytes"}


def decode_line(line: str) -> dict[str, object]:
    """One line of input → what is printed for it. `STREAM` lines are not for Modbus: a stream has no frame borders."""
    text = "".join(line.split())
    try:
        data = bytes.fromhex(text)
    except ValueError:
        good = next((i for i, c in enumerate(text) if c not in "0123456789abcdefABCDEF"), len(text))
        return {"error": f"structure at byte {good // 2}: not a whole number of hex bytes"}
    return as_data(decode(data))


def as_data(frame: Rtu) -> dict[str, object]:
    """A frame as JSON-ready data; what it does not have is left out."""
    out: dict[str, object] = {}
    for name in ("slave", "func", "crc_ok", "role", "address", "count", "value", "on", "registers", "data"):
        value = getattr(frame, name)
        if value not in (None, ""):
            out[NAMES.get(name, name)] = value
    if frame.exception is not None:
        out |= {"exception": frame.exception, "exception_name": EXCEPTIONS.get(frame.exception, "")}
    if frame.error:
        out["error"] = frame.error
    return out
