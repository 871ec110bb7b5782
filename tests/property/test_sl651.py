"""SL 651: decoding never raises; framing does not depend on chunks or dirt; what is encoded comes back."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.kernel.clock import beijing
from anlan.links.protocols.crc import crc16
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.framing import LONGEST, FrameSplitter
from anlan.links.protocols.sl651.lines import decode_line
from anlan.links.protocols.sl651.report import read

CAPTURES = Path(__file__).resolve().parents[1] / "captures" / "sl651.jsonl"
NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
FRAMES = [
    bytes.fromhex(record["hex"])
    for record in map(json.loads, CAPTURES.read_text(encoding="utf-8").splitlines())
    if record["expected"].get("crc_ok") and not record["note"].endswith("after the CRC")
]
moments = st.datetimes(datetime(2020, 1, 1), datetime(2049, 12, 31)).map(  # noqa: DTZ001
    lambda d: d.replace(microsecond=0, tzinfo=UTC)
)
stations = st.binary(min_size=5, max_size=5).map(lambda b: b.hex().upper())
dirt = st.one_of(st.just(b""), st.just(b"\x7e"), st.just(b"\x7e\x7e"), st.just(b"\x00\xff"), st.binary(max_size=30))


@st.composite
def nearly_frames(draw: st.DrawFn) -> bytes:
    """A real frame with some bytes changed and, sometimes, its check sum made right again."""
    frame = bytearray(draw(st.sampled_from(FRAMES)))
    for _ in range(draw(st.integers(0, 4))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    frame = frame[: draw(st.integers(0, len(frame)))] if draw(st.booleans()) else frame
    if len(frame) > framing.HEADER + framing.TAIL and draw(st.booleans()):
        length = len(frame) - framing.HEADER - framing.TAIL
        frame[:2], frame[13], frame[-3] = framing.HEAD, framing.STX, framing.ETX
        frame[11:13] = (length & 0xFFF).to_bytes(2, "big")
        frame[-2:] = crc16(bytes(frame[:-2])).to_bytes(2, "big")
    return bytes(frame)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.binary(max_size=300), nearly_frames()))
def test_decoding_never_raises(data: bytes) -> None:
    frame = decode(data)
    assert frame.crc_ok or frame.fault is not None
    json.dumps(decode_line(data.hex()))
    message = read(data, NOW)
    assert message.error == (str(frame.fault) if frame.fault else "")


@given(st.text(max_size=60))
def test_any_line_is_answered(line: str) -> None:
    json.dumps(decode_line(line))
    json.dumps(decode_line("STREAM\t" + line))


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(
    st.lists(st.one_of(st.sampled_from(FRAMES), dirt, nearly_frames()), max_size=8),
    st.lists(st.integers(0, 5000), max_size=12),
)
def test_chunks_change_nothing(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    at_once, in_chunks, by_byte = FrameSplitter(), FrameSplitter(), FrameSplitter()
    frames = at_once.feed(stream)
    assert [f for chunk in chunked(stream, cuts) for f in in_chunks.feed(chunk)] == frames
    assert [f for i in range(len(stream)) for f in by_byte.feed(stream[i : i + 1])] == frames
    assert all(framing.whole(frame) for frame in frames)
    for splitter in (at_once, in_chunks, by_byte):
        assert splitter.rest <= LONGEST
        assert sum(map(len, frames)) + splitter.dropped + splitter.rest == len(stream)


@given(st.lists(st.tuples(dirt, st.sampled_from(FRAMES)), min_size=1, max_size=6))
def test_every_frame_behind_dirt_is_found_at_once(parts: list[tuple[bytes, bytes]]) -> None:
    splitter = FrameSplitter()
    for rubbish, frame in parts:
        splitter.feed(rubbish)
        found = splitter.feed(frame)
        assert frame in found, "a frame must not wait for later bytes"


@given(st.sampled_from(FRAMES), st.integers(3, 40), st.sampled_from(FRAMES))
def test_a_torn_frame_does_not_hold_back_the_next(torn: bytes, kept: int, frame: bytes) -> None:
    splitter = FrameSplitter()
    splitter.feed(torn[: min(kept, len(torn) - 1)])
    assert splitter.feed(frame)[-1:] == [frame]


def test_a_flood_of_beginnings_is_bounded() -> None:
    splitter = FrameSplitter()
    false = bytes.fromhex("7E7E" + "11" * 9 + "0FFF02")
    for _ in range(3000):
        splitter.feed(false)
        assert splitter.rest <= LONGEST
    assert splitter.feed(FRAMES[0]) == [FRAMES[0]]


numbers = st.decimals(-99999, 99999, places=2).map(float)


@given(
    stations,
    moments,
    st.integers(0, 0xFFFF),
    numbers,
    st.one_of(st.none(), numbers),
    st.sampled_from(["30", "32", "33"]),
)
def test_encoded_report_comes_back(
    station: str, sent: datetime, serial: int, stage: float, rain: float | None, func: str
) -> None:
    parts = [element("39", stage, 5, 3), element("26", rain, 5, 2)]
    frame = decode(up_frame(station, func, serial=serial, sent=sent, elements=parts))
    assert frame.fault is None
    assert (frame.station, frame.func, frame.serial) == (station, func, f"{serial:04X}")
    assert frame.send_time == beijing(sent).replace(tzinfo=None)
    assert [e.value for e in frame.elements] == [stage, rain]
    assert frame.elements[1].quality == ("missing" if rain is None else "")


@given(stations, moments, st.lists(st.one_of(st.none(), st.integers(0, 254)), min_size=12, max_size=12))
def test_encoded_hour_comes_back_with_its_times(station: str, sent: datetime, tenths: list[int | None]) -> None:
    values = [None if v is None else v / 10 for v in tenths]
    first = sent.replace(second=0) - timedelta(minutes=55)
    frame = up_frame(station, "34", serial=7, sent=sent, observed=first, elements=[element("F4", values)])
    message = read(frame, NOW)
    assert [s.value for s in message.samples] == values
    assert [s.at_ms for s in message.samples] == [
        round((first + timedelta(minutes=5 * n)).timestamp() * 1000) for n in range(12)
    ]
    answer = decode(message.answer)
    assert answer.fault is None
    assert (answer.up, answer.station, answer.func, answer.serial) == (False, station, "34", "0007")


@given(stations, moments, st.integers(0, 0xFFFF))
def test_link_keeping_is_answered(station: str, sent: datetime, serial: int) -> None:
    message = read(up_frame(station, "2F", serial=serial, sent=sent), NOW)
    assert (message.kind, message.samples) == ("link", [])
    assert decode(message.answer).fault is None
