"""Bodies that devices push (C7): what was sent comes out, what is wrong is named, no bytes make it raise more."""

import json
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.links.ingest import PACKED_TYPE, Body, BodyFault, Tables, decode, encode_packed

AT = 1_784_556_000_000  # 2026-07-20T22:00:00+08:00


def fault(data: bytes, content_type: str = "") -> BodyFault:
    with pytest.raises(BodyFault) as caught:
        decode(data, content_type)
    return caught.value


def rows(*given: object) -> Body:
    return decode(json.dumps(given).encode())


def test_a_time_is_iso_with_a_zone_or_unix_seconds_or_milliseconds() -> None:
    told = ["2026-07-20T22:00:00+08:00", "2026-07-20T14:00:00Z", AT // 1000, AT / 1000, AT]
    body = rows(
        *({"metric": "stage", "at": at, "value": 1} for at in told), {"metric": "stage", "time": AT, "value": 2}
    )
    assert body.times.tolist() == [AT] * 6
    assert body.refused == []
    columns = decode(json.dumps({"s": ["stage"] * 2, "t": [AT // 1000, AT], "v": [1, 2.5]}).encode())
    assert columns.times.tolist() == [AT] * 2
    assert decode(json.dumps({"s": ["stage"], "t": [AT / 1000 + 0.25], "v": [1]}).encode()).times.tolist() == [AT + 250]


def test_good_rows_stay_and_each_bad_one_is_named() -> None:
    good = {"metric": "rain.current", "at": AT, "value": 0.5, "device": "a1"}
    bad: list[tuple[object, str]] = [
        (good | {"value": "much"}, "value"), (good | {"valu": 1}, "valu"), ({"metric": "stage", "value": 1}, "at"),
        (good | {"time": AT}, "at"), (good | {"at": "2026-07-20T22:00:00"}, "at"), (good | {"at": 1e300}, "at"),
        (good | {"at": -5}, "at"), (good | {"metric": "Rain Current"}, "metric"),
        (good | {"metric": "r" * 41}, "metric"),
        ({"metric": "stage", "at": AT}, "value"), (good | {"device": "x" * 65}, "device"),
        (7, ""),
    ]  # fmt: skip
    body = rows(good, *(row for row, _field in bad), good | {"value": None})
    assert [(one.row, one.field) for one in body.refused] == [(n, field) for n, (_row, field) in enumerate(bad, 1)]
    assert body.names == [("A1", "rain.current")]
    assert body.rows is not None
    assert body.rows.tolist() == [0, len(bad) + 1]
    assert body.values[0] == 0.5
    assert math.isnan(body.values[1])


def test_columns_by_position_and_by_name_are_the_same() -> None:
    times, values = [AT, AT + 1, AT + 2], [1, None, 3.5]
    by_name = {"s": ["stage", "g2/rain.current", "stage"], "t": times, "v": values, "device": "g1"}
    by_position = {"series": ["g1/stage", "G2/rain.current"], "s": [0, 1, 0], "t": times, "v": values}
    for body in (decode(json.dumps(one).encode()) for one in (by_name, by_position)):
        assert body.names == [("G1", "stage"), ("G2", "rain.current")]
        assert (body.index.tolist(), body.times.tolist()) == ([0, 1, 0], times)
        assert np.array_equal(body.values, np.array([1, np.nan, 3.5]), equal_nan=True)


@pytest.mark.parametrize(
    ("body", "field", "row"),
    [
        ({"s": [0], "t": [AT], "v": [1]}, "s", 0),
        ({"s": [1], "t": [AT], "v": [1], "series": ["stage"]}, "s", 0),
        ({"s": [0, -1], "t": [AT, AT], "v": [1, 1], "series": ["stage"]}, "s", 1),
        ({"s": [1 << 70], "t": [AT], "v": [1], "series": ["stage"]}, "s", -1),
        ({"s": ["stage"], "t": [AT, AT], "v": [1]}, "s", -1),
        ({"s": ["stage", "stage"], "t": [AT, "soon"], "v": [1, 1]}, "t", 1),
        ({"s": ["stage", "stage"], "t": [AT, 5], "v": [1, 1]}, "t", 1),
        ({"s": ["stage"], "t": [1e30], "v": [1]}, "t", 0),
        ({"s": ["stage"], "t": [-1e15], "v": [1]}, "t", 0),
        ({"s": ["stage"], "t": [AT], "v": ["x"]}, "v", 0),
        ({"s": ["stage", "Stage"], "t": [AT, AT], "v": [1, 1]}, "s", 1),
        ({"s": [0], "t": [AT], "v": [1], "series": ["stage", "/stage"]}, "series", 1),
        ({"s": [], "t": []}, "v", -1),
        ({"s": [], "t": [], "v": [], "u": []}, "u", -1),
        ({"s": [], "t": [], "v": [], "device": "x" * 65}, "device", -1),
    ],
)
def test_columns_are_refused_whole_and_name_the_place(body: dict[str, object], field: str, row: int) -> None:
    found = fault(json.dumps(body).encode())
    assert (found.field, found.row) == (field, row)


def test_what_is_no_json_says_at_which_byte() -> None:
    assert fault(b'[{"metric": ?}]').byte == 12
    assert fault(b"hello").byte == 0
    assert fault(b"").byte == 0


def packed() -> bytes:
    return encode_packed(["stage", "g2/rain.current"], [0, 1, 0], [AT, AT + 1, AT + 2], [1.0, np.nan, 3.5])


def test_a_packed_body_comes_out_as_it_went_in() -> None:
    for content_type in ("", PACKED_TYPE):
        body = decode(packed(), content_type)
        assert body.names == [("", "stage"), ("G2", "rain.current")]
        assert (body.index.tolist(), body.times.tolist()) == ([0, 1, 0], [AT, AT + 1, AT + 2])
        assert np.array_equal(body.values, np.array([1, np.nan, 3.5]), equal_nan=True)


def test_a_packed_body_is_right_to_the_byte() -> None:
    whole = packed()
    for cut in range(len(whole)):
        assert fault(whole[:cut], PACKED_TYPE).byte >= 0
    for at in range(len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :]
        assert fault(damaged, PACKED_TYPE).field
    assert fault(whole + b"\0", PACKED_TYPE).field == "length"


@pytest.mark.parametrize(
    ("index", "at", "value", "field"), [(2, AT, 1.0, "s"), (-1, AT, 1.0, "s"), (0, 5, 1.0, "t"), (0, AT, np.inf, "v")]
)
def test_a_packed_reading_that_cannot_be_is_named(index: int, at: int, value: float, field: str) -> None:
    found = fault(encode_packed(["stage", "rain.current"], [0, index], [AT, at], [0.0, value]))
    assert (found.field, found.row) == (field, 1)


def test_a_table_of_names_that_is_not_one_is_refused() -> None:
    def sealed(names: int, table: bytes) -> bytes:
        return struct.pack("<4sHHIIII", b"ANLR", 1, 0, names, 0, len(table), zlib.crc32(table)) + table

    for names, table in ((1, b"\x09stage\0\0"), (1, b"\x05Stage\0\0"), (1, b"\x05stage\0x"), (2, b"\x05stage\0\0"),
                         (1, b"\x05stage" + bytes(10)), (1, b"\x01\xff" + bytes(6)), (1, b"\x05stag")):  # fmt: skip
        assert fault(sealed(names, table)).field in ("table", "header")


def test_a_table_is_read_once_and_memory_is_bounded() -> None:
    tables = Tables(most_bytes=200)
    first = decode(packed(), "", tables)
    assert decode(packed(), "", tables).names is first.names
    for number in range(50):
        decode(encode_packed([f"metric{number}"], [0], [AT], [1.0]), "", tables)
    assert tables.bytes <= 200


json_like = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("stv") | st.just("series"), inner),
    max_leaves=12,
)


@given(st.binary(max_size=80) | json_like.map(lambda one: json.dumps(one).encode()) | st.binary().map(b"ANLR".__add__))
def test_no_body_raises_anything_else(data: bytes) -> None:
    for content_type in ("", PACKED_TYPE):
        try:
            body = decode(data, content_type)
        except BodyFault:
            continue
        assert len(body.index) == len(body.times) == len(body.values)
