"""Captured frames decode as expected; decoding is total; a register map gives the values that were packed (C7)."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.modbus import rtu
from anlan.links.protocols.modbus.lines import decode_line
from anlan.links.protocols.modbus.registers import FORMATS, DeviceMap, Point, requests_of, value_of, values_of

CAPTURES = Path(__file__).resolve().parents[5] / "tests" / "captures" / "modbus.jsonl"
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in CAPTURES.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_captured_frame(record: dict[str, Any]) -> None:
    got = decode_line(record["hex"])
    assert {key: got.get(key) for key in record["expected"]} == record["expected"]
    assert "error" not in got


@given(st.binary(max_size=300), st.booleans())
def test_decoding_never_raises(data: bytes, right: bool) -> None:
    frame = rtu.decode(rtu.seal(data) if right else data)
    assert frame.crc_ok or frame.error
    json.dumps(decode_line(data.hex()))


@given(st.text(max_size=40))
def test_any_line_is_answered(line: str) -> None:
    json.dumps(decode_line(line))


def test_exceptions_writes_and_errors_are_named() -> None:
    assert decode_line(rtu.seal(bytes.fromhex("118302")).hex()) == {
        "slave": 17, "func": 0x83, "crc_ok": True, "role": "response", "exception": 2,
        "exception_name": "illegal data address",
    }  # fmt: skip
    written = decode_line(rtu.seal(bytes.fromhex("1110000100020400 0A0102")).hex())
    assert (written["role"], written["registers"]) == ("request", [10, 258])
    assert "checksum at byte 6" in str(decode_line("1103006B00037688")["error"])
    assert "byte 2" in str(decode_line("11zz")["error"]) or "byte 1" in str(decode_line("11zz")["error"])


def test_the_registry_offers_it() -> None:
    manifest = PROTOCOLS["modbus"]
    assert manifest.transport == "poll"
    splitter = manifest.splitter()
    assert splitter.feed(b"") == []
    assert splitter.feed(bytes(400)) == [bytes(rtu.LONGEST)]


@given(
    st.sampled_from(sorted(FORMATS)),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.integers(-(2**15), 2**15 - 1),
)
def test_every_type_in_every_order_comes_back(kind: str, order: Any, number: int) -> None:
    number = abs(number) if kind.startswith("u") else number
    packed = struct.pack(FORMATS[kind], number)
    words = [packed[i : i + 2] for i in range(0, len(packed), 2)]
    words = words[::-1] if order in ("CDAB", "DCBA") else words
    words = [word[::-1] for word in words] if order in ("BADC", "DCBA") else words
    point = Point.model_validate({"metric": "stage", "address": 7, "type": kind, "order": order, "scale": 0.5})
    registers = [0, 0, *(int.from_bytes(word, "big") for word in words)]
    assert value_of(point, registers, 5) == number * 0.5


def test_a_captured_float_answer_is_what_its_maker_says() -> None:
    """A001: four floats with swapped words, 5866.143 0.871482 139.1015 6731.227."""
    registers = decode_line(RECORDS[0]["hex"])["registers"]
    assert isinstance(registers, list)
    points = [Point(metric=f"m{n}", address=3000 + 2 * n, type="float32", order="CDAB", function=4) for n in range(4)]
    values = [value_of(point, registers, 3000) for point in points]
    assert all(
        value is not None and math.isclose(value, want, rel_tol=1e-6)
        for value, want in zip(values, [5866.143, 0.871482, 139.1015, 6731.227], strict=True)
    )


def test_bits_nan_and_the_grouping_of_requests() -> None:
    bits = [Point(metric=f"b{n}", function=2, address=196 + n, type="bit") for n in range(3)]
    (reading,) = requests_of(bits)
    assert values_of(reading, b"\x05") == {"b0": 1.0, "b1": 0.0, "b2": 1.0}
    nan = Point(metric="x", address=0, type="float32")
    assert value_of(nan, [0x7FC0, 0], 0) is None
    far = [Point(metric=f"r{n}", address=n, type="uint16") for n in (*range(130), 500)]
    assert [(r.address, r.count, len(r.points)) for r in requests_of(far)] == [(0, 125, 125), (125, 5, 5), (500, 1, 1)]


@pytest.mark.parametrize(
    "change",
    [
        {"host": ""}, {"slave": 248}, {"interval_s": 0}, {"points": []}, {"colour": 1},
        {"points": [{"metric": "stage", "address": 1, "type": "bit"}]},
        {"points": [{"metric": "stage", "address": 65535, "type": "int32"}]},
        {"points": [{"metric": "stage", "address": 1}, {"metric": "stage", "address": 2}]},
        {"points": [{"metric": "Stage!", "address": 1}]},
    ],
)  # fmt: skip
def test_a_wrong_map_is_refused(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {"host": "127.0.0.1", "points": [{"metric": "stage", "address": 1}]}
    assert DeviceMap.model_validate(good).port == 502
    with pytest.raises(ValidationError):
        DeviceMap.model_validate(good | change)
