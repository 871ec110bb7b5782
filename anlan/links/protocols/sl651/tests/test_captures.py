"""Every captured frame decodes to what was checked by hand; single facts of the protocol that others got wrong."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.crc import crc16
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.framing import FrameSplitter
from anlan.links.protocols.sl651.lines import decode_line
from anlan.links.protocols.sl651.report import read

CAPTURES = Path(__file__).resolve().parents[5] / "tests" / "captures" / "sl651.jsonl"
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in CAPTURES.read_text(encoding="utf-8").splitlines()]
NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)


def differences(want: Any, got: Any, path: str = "") -> list[str]:
    """What of `want` is not in `got`; keys that `want` does not name are free."""
    if isinstance(want, dict):
        got = got if isinstance(got, dict) else {}
        out = []
        for key, value in want.items():
            if key == "error" or (key == "crc_ok" and value is False):
                out += [] if got.get("error") else [f"{path}.{key}: no error"]
            else:
                out += differences(value, got.get(key), f"{path}.{key}")
        return out
    if isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            return [f"{path}: {want} != {got}"]
        return [d for i, item in enumerate(want) for d in differences(item, got[i], f"{path}[{i}]")]
    if isinstance(want, float) and isinstance(got, int | float):
        return [] if math.isclose(want, got, abs_tol=1e-6) else [f"{path}: {want} != {got}"]
    return [] if want == got else [f"{path}: {want!r} != {got!r}"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_captured_frame(record: dict[str, Any]) -> None:
    assert differences(record["expected"], decode_line(record["hex"])) == []


def test_the_set_is_whole() -> None:
    assert len(RECORDS) == 91
    assert sum(record["expected"].get("crc_ok") is True for record in RECORDS) >= 80


def test_check_value_of_the_crc() -> None:
    assert crc16(b"123456789") == 0x4B37


def test_function_31_keeps_all_twelve_values_at_their_times() -> None:
    frame = next(record["hex"] for record in RECORDS if record["id"] == "sl651-A040")
    samples = read(bytes.fromhex(frame), NOW).samples
    assert [sample.value for sample in samples] == [28.96] * 12
    assert [sample.at_ms - samples[0].at_ms for sample in samples] == [n * 300_000 for n in range(12)]
    assert samples[0].at_ms == datetime(2022, 12, 5, 2, 5, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    ("identifier", "last"),
    [
        ("sl651-A007", datetime(2017, 7, 18, 3, 0, tzinfo=UTC)),  # the time before F4 is that of its first value
        ("sl651-A061", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),  # here it is that of its last one
    ],
)
def test_five_minute_rain_ends_when_the_hour_ends(identifier: str, last: datetime) -> None:
    frame = next(record["hex"] for record in RECORDS if record["id"] == identifier)
    times = [s.at_ms for s in read(bytes.fromhex(frame), NOW).samples if s.metric == "rain.five_minute"]
    assert len(times) == 12
    assert max(times) == last.timestamp() * 1000


def test_f5_declared_as_11_bytes_but_sent_as_24() -> None:
    good = next(record["hex"] for record in RECORDS if record["id"] == "sl651-A065")
    body = bytes.fromhex(good.replace("F5C0", "F55C"))[:-2]
    frame = body + crc16(body).to_bytes(2, "big")
    wrong, right = decode_line(frame.hex()), decode_line(good)
    assert "error" not in wrong
    assert wrong["elements"] == right["elements"]


def test_a_reply_is_what_a_real_centre_answered() -> None:
    """Capture A081 is the centre's answer to a report of function 31 with serial number 0031."""
    answer = next(record["hex"] for record in RECORDS if record["id"] == "sl651-A081")
    up = "7E7E05001122334403E831"  # any report of that station, function and serial number
    body = bytes.fromhex("0031170718100000F1F1001122334448F0F01707181000")
    head = bytes.fromhex(up) + len(body).to_bytes(2, "big") + b"\x02" + body + b"\x03"
    frame = head + crc16(head).to_bytes(2, "big")
    assert read(frame, datetime(2017, 7, 18, 3, 0, 5, tzinfo=UTC)).answer.hex().upper() == answer


def test_error_names_the_byte() -> None:
    record = RECORDS[0]["hex"]
    assert decode_line(record[:-4] + "0000")["error_offset"] == len(record) // 2 - 2
    assert decode_line("00" + record)["error_offset"] == 0
    assert decode_line(record[:40])["error_kind"] == "length"
    assert decode_line("7E7Ezz")["error_kind"] == "structure"


def test_thirteen_packets_make_one_picture() -> None:
    parts: dict[int, bytes] = {}
    for record in RECORDS:
        if record["expected"].get("packet_total"):
            splitter = FrameSplitter()
            (frame,) = splitter.feed(bytes.fromhex(record["hex"]))
            decoded = decode_line(frame.hex())
            seq = decoded["packet_seq"]
            assert isinstance(seq, int)
            parts[seq] = frame
    assert sorted(parts) == list(range(1, 14))
    assert not read(parts[1], NOW).answer, "a packet that is not the last is not confirmed"
    pictures = [decode(parts[n]).picture for n in range(1, 14)]
    joined = b"".join(part for part in pictures if part)
    assert (len(joined), joined[:2]) == (3313, b"\xff\xd8")


def test_registry_finds_the_folder() -> None:
    assert PROTOCOLS["sl651"].standard == "SL 651-2014"
    with pytest.raises(ValueError, match="registered twice"):
        PROTOCOLS.add("sl651", PROTOCOLS["sl651"])
