"""Captured messages decode as expected; decoding is total; chunk borders change nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.site.cli.skeleton.codec import LONGEST, LineSplitter, decode, encode
from anlan.site.cli.skeleton.manifest import MANIFEST

CAPTURES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("captures.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("record", CAPTURES, ids=lambda record: record["id"])
def test_captured_message(record: dict[str, Any]) -> None:
    got = MANIFEST.decode_line(record["hex"])
    assert {key: got.get(key) for key in record["expected"]} == record["expected"]
    assert bool(got.get("error")) == record.get("broken", False)


@given(st.binary(max_size=300))
def test_decoding_never_raises(data: bytes) -> None:
    frame = decode(data)
    assert MANIFEST.read(data, NOW).error == frame.error
    json.dumps(MANIFEST.decode_line(data.hex()))


@given(st.text(max_size=40))
def test_any_line_is_answered(line: str) -> None:
    json.dumps(MANIFEST.decode_line(line))


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([bytes.fromhex(r["hex"]) for r in CAPTURES]))))
def test_chunks_change_nothing(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    at_once, by_byte = LineSplitter(), LineSplitter()
    frames = at_once.feed(stream)
    assert [f for i in range(len(stream)) for f in by_byte.feed(stream[i : i + 1])] == frames
    assert sum(map(len, frames)) + at_once.dropped + at_once.rest == len(stream)


def test_a_flood_without_an_end_is_bounded() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(bytes(100)) == []
        assert splitter.rest <= LONGEST


@given(st.dictionaries(st.sampled_from(["stage", "rain.accumulated"]), st.one_of(st.none(), st.integers(-999, 999))))
def test_what_is_encoded_comes_back_with_its_time_and_answer(values: dict[str, float | None]) -> None:
    message = MANIFEST.read(encode("A1", "7", datetime(2026, 7, 1, 12, 0), values), NOW)  # noqa: DTZ001
    assert (message.station, message.error, message.answer) == ("A1", "", b"OK 7\n")
    assert {sample.metric: sample.value for sample in message.samples} == values
    assert {sample.at_ms for sample in message.samples} <= {round(NOW.timestamp() * 1000)}
