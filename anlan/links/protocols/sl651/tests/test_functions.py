"""Functions 40-51 in both directions, pictures of many packets, both length encodings, what is kept raw (C7)."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.elements import ELEMENTS, FUNCTIONS, PARAMETERS
from anlan.links.protocols.sl651.encode import element, seal, up_frame
from anlan.links.protocols.sl651.lines import as_data, decode_line
from anlan.links.protocols.sl651.packets import LARGEST, PacketSession
from anlan.links.protocols.sl651.report import read
from anlan.links.protocols.sl651.requests import FUNCTIONS as REQUESTS
from anlan.links.protocols.sl651.requests import request

CAPTURES = Path(__file__).resolve().parents[5] / "tests" / "captures" / "sl651.jsonl"
HEX = {record["id"]: record["hex"] for record in map(json.loads, CAPTURES.read_text(encoding="utf-8").splitlines())}
NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
STATION = "1404270001"


def line(number: str) -> dict[str, object]:
    return decode_line(HEX[f"sl651-A{number}"])


def values(number: str, key: str = "parameters") -> dict[str, object]:
    rows = line(number)[key]
    assert isinstance(rows, list)
    return {row["id"]: row.get("value") for row in rows}


def test_every_function_of_the_standard_has_a_name_and_every_line_of_the_tables_is_whole() -> None:
    assert [f"{number:02X}" for number in range(0x2F, 0x52)] == [
        *(name for name in FUNCTIONS if name < "3B"), *(f"3{c}" for c in "BCDEF"),
        *(name for name in FUNCTIONS if name >= "40"),
    ]  # fmt: skip
    assert len({kind.metric for kind in ELEMENTS.values()} | {"rain.five_minute"}) == len(ELEMENTS) - 1  # 22 and F4
    lines = [(kind.name, kind.source) for kind in ELEMENTS.values()] + [(k.name, k.source) for k in PARAMETERS.values()]
    assert all(name and source in ("captured", "agreed") for name, source in lines)


def test_basic_configuration_comes_back_in_words() -> None:
    found = values("012")
    assert found["02"] == "0011223344"
    assert found["04"] == "IPv4 218.94.153.172:9708"
    assert found["05"] == "短信 13012345678"
    assert (found["0C"], found["0F"]) == (2, "1013112345678")


def test_running_parameters_have_their_decimals_in_both_directions() -> None:
    for number in ("013", "014", "085"):  # written up, read up, written down
        found = values(number)
        assert (found["20"], found["28"], found["38"], found["40"], found["41"]) == (1, 10, 5, 0.03, 0.2)


def test_what_a_centre_asks_for_is_read() -> None:
    asked = line("076")["asked"]
    assert isinstance(asked, list)
    assert [row["id"] for row in asked] == ["1F", "20", "26", "38", "39"]
    assert line("084")["asked"] == [
        {"id": number, "name": PARAMETERS[number].name} for number in ("01", "02", "03", "04", "05", "0C", "0D", "0F")
    ]


def test_status_events_and_text() -> None:
    assert line("047")["alarms"] == ["交流停电", "终端箱门关闭", "水泵停机"]
    events = line("054")["events"]
    assert isinstance(events, dict)
    assert (events["参数变更"], events["水位超限"], events["收报文"]) == (2, 204, 44)
    text = read(bytes.fromhex(HEX["sl651-A042"]), NOW).files
    assert [(one.kind, one.content.decode()) for one in text] == [("text", "Q 1.234")]


def test_a_version_and_a_body_that_nobody_knows_are_kept() -> None:
    head = bytes.fromhex("01" + STATION + "1234")
    body = bytes.fromhex("0007260701120000F1F1" + STATION)
    version = decode(seal(head + b"\x45", 0, body + b"\x05V1.02", framing.ETX))
    assert (version.fault, version.version) == (None, "V1.02")
    pump = decode(seal(head + b"\x4c", 0, body + b"\x08\xff", framing.ETX))
    assert (pump.fault, as_data(pump)["raw"]) == (None, "08FF")
    torn = decode(seal(head + b"\x45", 0, body + b"\x05V1", framing.ETX))
    assert torn.fault is not None
    assert torn.fault.offset == framing.HEADER + len(body)


def test_unknown_elements_and_broken_decimals_keep_their_bytes() -> None:
    frame = up_frame(STATION, "32", serial=1, sent=NOW, elements=[b"\xff\x92\x12\x01\x23", b"\x26\x19\xaa\xbb\xcc"])
    rows = as_data(decode(frame))["elements"]
    assert isinstance(rows, list)
    assert [(row["id"], row.get("value"), row.get("raw")) for row in rows] == [
        ("FF92", 1.23, "0123"), ("26", None, "AABBCC")
    ]  # fmt: skip
    assert [sample.metric for sample in read(frame, NOW).samples] == ["sl651.ff92", "rain.accumulated"]


@pytest.mark.parametrize("plain", [True, False])
def test_both_length_encodings_of_a_list(plain: bool) -> None:
    rain, stage = [n / 10 for n in range(12)], [n / 100 for n in range(12)]
    parts = [element("F4", rain), element("F5", stage), element("38", 12.5, 2, 2)]
    if plain:
        parts[0], parts[1] = b"\xf4\x0c" + parts[0][2:], b"\xf5\x18" + parts[1][2:]
    frame = decode(up_frame(STATION, "34", serial=1, sent=NOW, elements=parts))
    assert frame.fault is None
    assert [one.values or one.value for one in frame.elements] == [rain, stage, 12.5]


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_every_request_is_a_frame_that_a_station_can_read(what: str) -> None:
    details = {"begin": "2026-07-01T00:00+08:00", "end": "2026-07-01T12:00+08:00", "elements": "26,39,FF92"}
    made = request(what, station=STATION, password="1234", serial=0x10007, now=NOW, details=details)
    frame = decode(made.data)
    assert frame.fault is None
    assert (frame.up, frame.station, frame.center, frame.password) == (False, STATION, "01", "1234")
    assert (made.key, frame.etx) == (f"{frame.func}:0007", framing.ENQ)
    if what == "range":
        assert frame.begin is not None
        assert frame.end is not None
        assert (frame.begin.hour, frame.end.hour, frame.time_step, frame.asked[0].id) == (0, 12, "000100", "F4")
    if what == "elements":
        assert [(one.id, one.definition) for one in frame.asked] == [("26", 0x19), ("39", 0x23), ("FF92", 0x22)]


def test_a_request_equals_a_captured_one_and_a_wrong_one_is_refused() -> None:
    captured = HEX["sl651-A091"].strip()
    made = request("clock", station="0011223344", password="03E8", serial=0,
                   now=datetime(2017, 7, 18, 2, 21, 49, tzinfo=UTC), details={"center": "05"})  # fmt: skip
    assert decode(made.data).body == decode(bytes.fromhex(captured)).body
    assert made.data[:14] == bytes.fromhex(captured)[:14]
    for what, details in (("fly", {}), ("range", {"begin": "2026-07-01T00:00", "end": "2026-07-02T00:00"})):
        with pytest.raises(ValueError):
            request(what, station=STATION, password="", serial=1, now=NOW, details=details)


def test_an_answer_names_its_request_and_carries_the_stations_clock() -> None:
    message = read(bytes.fromhex(HEX["sl651-A043"]), NOW)
    assert (message.kind, message.replies_to, message.answer) == ("reply", "37:013D", b"")
    assert message.sent_ms == datetime(2022, 12, 6, 2, 7, 58, tzinfo=UTC).timestamp() * 1000
    assert {sample.metric for sample in message.samples} == {"rain.current", "rain.accumulated", "stage", "voltage"}
    assert message.facts["func_name"] == "实时数据查询"


PACKETS = [bytes.fromhex(HEX[f"sl651-A{number:03d}"]) for number in range(22, 35)]


def picture_of(frames: Sequence[bytes]) -> list[bytes]:
    session = PacketSession()
    messages = [session.read(frame, NOW) for frame in frames]
    assert session.rest <= LARGEST
    for message in messages:
        assert bool(message.files) == bool(message.answer), "only a whole picture is confirmed"
    return [file.content for message in messages for file in message.files]


def test_a_captured_picture_is_joined_confirmed_once_and_has_its_time() -> None:
    session = PacketSession()
    *parts, last = [session.read(frame, NOW) for frame in PACKETS]
    assert {(part.kind, part.answer, len(part.files)) for part in parts} == {("part", b"", 0)}
    (file,) = last.files
    assert (file.kind, len(file.content), file.content[:2]) == ("picture", 3313, b"\xff\xd8")
    assert file.at_ms == round(datetime(2059, 10, 11, 8, 11, tzinfo=UTC).timestamp() * 1000)
    answer = decode(last.answer)
    assert (answer.fault, answer.func, answer.serial) == (None, "36", decode(PACKETS[0]).serial)
    assert session.rest == 0


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(13)), st.lists(st.integers(0, 12), max_size=6))
def test_packets_in_any_order_with_repeats_make_the_same_picture(order: list[int], again: list[int]) -> None:
    whole = picture_of(PACKETS)
    assert picture_of([*(PACKETS[n] for n in again), *(PACKETS[n] for n in order)])[:1] == whole


@given(st.integers(0, 12))
def test_a_lost_packet_is_not_confirmed_and_sending_again_mends_it(lost: int) -> None:
    holed = [frame for number, frame in enumerate(PACKETS) if number != lost]
    assert picture_of(holed) == []
    assert picture_of([*holed, *PACKETS])[:1] == picture_of(PACKETS)


def test_a_flood_of_packets_is_bounded() -> None:
    session = PacketSession()
    head = bytes.fromhex("01" + STATION + "123436")
    total = 0xFFF
    for number in range(2, total):
        body = bytes([total >> 4, (total & 0xF) << 4 | number >> 8, number & 0xFF]) + bytes(4000)
        session.read(seal(head, 0, body, framing.ETB, framing.SYN), NOW)
        assert session.rest <= LARGEST


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PACKETS, *map(bytes.fromhex, itertools.islice(HEX.values(), 0, 8))]), max_size=20),
       st.binary(max_size=40))  # fmt: skip
def test_a_session_never_raises(frames: list[bytes], rubbish: bytes) -> None:
    session = PacketSession()
    for frame in (*frames, rubbish, *frames):
        session.read(frame, NOW + timedelta(seconds=1))
