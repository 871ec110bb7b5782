"""JSON bodies: rows, of which the good ones stay, and columns, which are taken whole or not at all.

Never: a device looked up, a clock, storage.
"""

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from .packed import CONTENT_TYPE, decode_packed
from .shape import (
    ADDRESS_MAX,
    FIRST_MS,
    LAST_MS,
    SECONDS_BELOW,
    Body,
    BodyFault,
    Name,
    Refusal,
    Tables,
    check_columns,
    fault_of_metric,
    in_ms,
    split_name,
)

__all__ = ["Body", "BodyFault", "Refusal", "Tables", "decode"]
Time = int | float | str


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """One reading of a rows body."""

    metric: str
    value: float | None
    at: Time | None = None
    time: Time | None = None
    device: str = ""


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    """A columns body."""

    s: msgspec.Raw
    t: msgspec.Raw
    v: msgspec.Raw
    series: msgspec.Raw = msgspec.Raw(b"")
    device: str = ""


_rows = msgspec.json.Decoder(list[Row])
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(Row)
_columns = msgspec.json.Decoder(Columns)
_ints = msgspec.json.Decoder(list[int])
_floats = msgspec.json.Decoder(list[float])
_values = msgspec.json.Decoder(list[float | None])
_texts = msgspec.json.Decoder(list[str])


def decode(data: bytes, content_type: str = "", tables: Tables | None = None) -> Body:
    """A body by its type, or by how it begins where the type does not say. Raises BodyFault.

    tables: names already read, kept by the caller from body to body.
    """
    held = Tables() if tables is None else tables
    if content_type == CONTENT_TYPE or data[:4] == b"ANLR":
        return decode_packed(data, held)
    begin = data.lstrip(b" \t\r\n")[:1]
    if begin == b"[":
        return decode_rows(data)
    if begin == b"{":
        return decode_columns(data, held)
    raise BodyFault("neither a list of rows nor an object of columns", byte=0)


def decode_rows(data: bytes) -> Body:
    """`[{"metric", "at" or "time", "value", "device"?}, …]`."""
    try:
        rows: list[Row | None] = list(_rows.decode(data))
        refused: list[Refusal] = []
    except msgspec.ValidationError:
        rows, refused = _one_by_one(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from error
    index: dict[Name, int] = {}
    numbers, times, values, kept = [], [], [], []
    for number, row in enumerate(rows):
        if row is None:
            continue
        try:
            at = _ms(row)
            name = _name(row)
        except _RowFault as fault:
            refused.append(Refusal(number, *fault.args))
            continue
        numbers.append(index.setdefault(name, len(index)))
        times.append(at)
        values.append(np.nan if row.value is None else row.value)
        kept.append(number)
    return Body(
        list(index), np.array(numbers, np.int32), np.array(times, np.int64), np.array(values, np.float64),
        sorted(refused, key=lambda one: one.row), np.array(kept, np.int64),
    )  # fmt: skip


class _RowFault(Exception):
    """args: field, why."""


def _one_by_one(data: bytes) -> tuple[list[Row | None], list[Refusal]]:
    rows: list[Row | None] = []
    refused: list[Refusal] = []
    try:
        raw = _raw_rows.decode(data)
    except msgspec.DecodeError as error:
        raise _malformed(error) from error
    for number, one in enumerate(raw):
        try:
            rows.append(_row.decode(one))
        except msgspec.DecodeError as error:
            rows.append(None)
            refused.append(Refusal(number, _field_of(str(error)), str(error)))
    return rows, refused


def _field_of(message: str) -> str:
    """The field that msgspec's message is about: "… - at `$.value`", or a field in quotes that is too many or lacks."""
    if "`$." in message:
        return message.rsplit("`$.", 1)[1].rstrip("`")
    parts = message.split("`")
    return parts[1] if len(parts) > 2 and "field" in message else ""


def _name(row: Row) -> Name:
    wrong = fault_of_metric(row.metric)
    if wrong:
        raise _RowFault("metric", wrong)
    if len(row.device) > ADDRESS_MAX:
        raise _RowFault("device", f"longer than {ADDRESS_MAX} characters")
    return row.device.upper(), row.metric


def _ms(row: Row) -> int:
    given, field = (row.at, "at") if row.at is not None else (row.time, "time")
    if given is None or (row.at is not None and row.time is not None):
        raise _RowFault("at", "one of at and time is needed")
    if isinstance(given, str):
        at = _ms_of_text(given, field)
    else:
        at = round(given * 1000 if 0 <= given < SECONDS_BELOW else given)
    if not FIRST_MS <= at < LAST_MS:
        raise _RowFault(field, f"{given} is not between 2000 and 2100")
    return at


def _ms_of_text(given: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise _RowFault(field, f"{given!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise _RowFault(field, f"{given!r} names no zone; write +08:00 or Z")
    return round(moment.timestamp() * 1000)


def decode_columns(data: bytes, tables: Tables) -> Body:
    """`{"s": [], "t": [], "v": [], "series"?: [], "device"?: ""}`."""
    try:
        body = _columns.decode(data)
    except msgspec.ValidationError as error:
        raise BodyFault(str(error), field=_field_of(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from error
    if len(body.device) > ADDRESS_MAX:
        raise BodyFault(f"device: longer than {ADDRESS_MAX} characters", field="device")
    values = np.array(_column(_values, body.v, "v"), np.float64)
    times = _times(body.t)
    table = b"%s\n%s" % (body.device.encode(), bytes(body.series)) if bytes(body.series) else b""
    names, index = _indexed(body, table, tables)
    if not len(index) == len(times) == len(values):
        raise BodyFault(f"s, t and v have {len(index)}, {len(times)} and {len(values)} entries", field="s")
    check_columns(times, values)
    return Body(names, index, times, values, table=table)


def _times(raw: msgspec.Raw) -> npt.NDArray[np.int64]:
    try:
        return in_ms(np.array(_ints.decode(raw), np.int64))
    except (msgspec.ValidationError, OverflowError):
        given = np.array(_column(_floats, raw, "t"), np.float64)
    scaled = np.rint(np.where(np.abs(given) < SECONDS_BELOW, given * 1000, given))
    scaled[~(np.abs(scaled) < LAST_MS)] = -1  # refused by name where ranges are checked
    return scaled.astype(np.int64)


def _indexed(body: Columns, table: bytes, tables: Tables) -> tuple[list[Name], npt.NDArray[np.int32]]:
    """Names and index: `s` holds positions in `series`, or the names themselves where there is no `series`."""
    if not table:
        texts = _column(_texts, body.s, "s")
        seen = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return _split(list(seen), "s", body.device, texts), np.array([seen[text] for text in texts], np.int32)

    def read() -> list[Name]:
        found = _column(_texts, body.series, "series")
        return _split(found, "series", body.device, found)

    names = tables.names(table, read)
    given = _column(_ints, body.s, "s")
    try:
        index = np.array(given, np.int64)
    except OverflowError:
        raise BodyFault("s: a number that is no position in series", field="s") from None
    outside = (index < 0) | (index >= len(names))
    if outside.any():
        row = int(np.argmax(outside))
        raise BodyFault(f"s[{row}]: {given[row]} of {len(names)} series", field="s", row=row)
    return names, index.astype(np.int32)


def _split(texts: list[str], field: str, device: str, all_texts: list[str]) -> list[Name]:
    names = []
    for text in texts:
        try:
            names.append(split_name(text, device))
        except ValueError as error:
            row = all_texts.index(text)
            raise BodyFault(f"{field}[{row}]: {error}", field=field, row=row) from error
    return names


def _column(decoder: "msgspec.json.Decoder[Any]", raw: msgspec.Raw, field: str) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        message = str(error)
        rest = message.rsplit("`$[", 1)[1].split("]")[0] if "`$[" in message else ""
        row = int(rest) if rest.isdigit() else -1
        place = f"{field}[{row}]" if row >= 0 else field
        raise BodyFault(f"{place}: {message.split(' - at')[0]}", field=field, row=row) from error
    except UnicodeDecodeError as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> BodyFault:
    text = str(error)
    number = text.rsplit("(byte ", 1)[1].rstrip(")") if "(byte " in text else ""
    return BodyFault(f"not JSON: {text}", byte=int(number) if number.isdigit() else -1)
