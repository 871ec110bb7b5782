"""Canonical rain is what the accumulated value rose by, for any mix, order, repeat and split of frames 30-34 (C7)."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.base.places.commands import NewPlace, create_places
from anlan.links.protocols.contract import Message
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.report import read
from anlan.loop.sensing.admission import admit
from anlan.loop.sensing.blocks import GOOD, MISSING, columns_of
from anlan.loop.sensing.commands import open_series, store_block
from anlan.loop.sensing.queries import ms, place_values
from tests.cast import NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
STEP = timedelta(minutes=5)
BEGIN = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=12)
NUMBERS = itertools.count(1)
MODULUS = 10_000  # mm, where the station's counter begins anew (packs/sources/rain.yaml)


@dataclass(frozen=True)
class Story:
    """Rain in tenths of a millimetre by five-minute step, where the counter stood, the frames in arrival order."""

    steps: list[int]
    base: int
    frames: list[bytes]
    heard: list[int]
    """Steps at whose end an accumulated value was measured, or (without a counter) whose rain was said."""

    def total_at(self, step: int) -> float:
        """What the counter shows at the end of a step; step −1 is the beginning."""
        return (self.base + sum(self.steps[: step + 1])) % (MODULUS * 10) / 10


def at(step: int) -> datetime:
    """The end of a step."""
    return BEGIN + STEP * (step + 1)


def frame(func: str, number: int, moment: datetime, parts: list[bytes], *, first: datetime | None = None) -> bytes:
    return up_frame(
        f"{number:010d}", func, serial=1 + int(moment.timestamp()) // 300 % 65535, sent=moment + timedelta(seconds=20),
        observed=first or moment, elements=parts, step="000005" if func == "31" else "",
    )  # fmt: skip


@st.composite
def stories(draw: st.DrawFn, counter: bool) -> Story:
    hours = draw(st.integers(1, 2))
    steps = draw(st.lists(st.integers(0, 100), min_size=12 * hours, max_size=12 * hours))
    story = Story(steps, draw(st.sampled_from([0, 1234, MODULUS * 10 - 300])), [], [])
    heard: set[int] = set()
    lacking: set[int] = set()  # steps at whose end the station has no value of its counter, in whichever frame
    frames = []

    def said(step: int) -> float | None:
        return None if step in lacking else story.total_at(step)

    for n, fallen in enumerate(steps):
        kind = draw(st.sampled_from(["30", "32", "33", "33", "missing", "none"] if counter else ["33", "30", "none"]))
        if kind == "none":
            continue
        if kind == "missing":
            lacking.add(n)
        parts = [element("22", fallen / 10, 3, 1), element("20", sum(steps[: n + 1]) / 10, 3, 1)]
        if counter:
            parts.append(element("26", said(n), 4, 1))
        heard.add(n)
        frames.append(frame("33" if kind == "missing" else kind, 1, at(n), draw(st.permutations(parts))))
    for hour in range(hours):
        if not draw(st.booleans()):
            continue
        inside = range(12 * hour, 12 * hour + 12)
        last = inside[-1]
        parts = [element("F4", [steps[n] / 10 for n in inside])]
        if not counter:
            heard |= set(inside)
        elif draw(st.booleans()):
            parts.append(element("26", said(last), 4, 1))
            heard.add(last)
        first = draw(st.sampled_from([at(inside[0]), at(last)]))  # stations put either time before the list
        if len(parts) == 2 and first != at(last):
            parts = parts[:1]
            frames.append(frame("32", 1, at(last), [element("26", said(last), 4, 1)]))
        frames.append(frame("34", 1, at(last), parts, first=first))
        if counter and draw(st.booleans()):
            some = draw(st.integers(2, 12))
            values = [said(n) for n in inside[:some]]
            frames.append(frame("31", 1, at(inside[some - 1]), [element("26", values, 4, 1)], first=at(inside[0])))
            heard |= set(inside[:some])
    again = draw(st.lists(st.sampled_from(frames), max_size=6)) if frames else []
    return Story(steps, story.base, draw(st.permutations([*frames, *again])), sorted(heard - lacking))


def store(messages: list[list[Message]], cast: Cast) -> str:
    """A gauge of its own; messages as the pipeline stores them, a block for each list. Returns the place's code."""
    code = f"RAIN{next(NUMBERS)}"
    gauge = cast.places["YL1"]
    new = NewPlace(code, code, "rain_gauge", gauge.area_code, 112.9, 36.2, {"station": code, "interval_min": 5})
    (place,) = create_places(SYSTEM, [new], now=NOW)
    cast.places[code] = place
    device = admit(SYSTEM, protocol="sl651", address=code, place=place, now=NOW)
    for block in messages:
        rows = [
            (open_series(SYSTEM, device=device, metric=one.metric).id, one.at_ms, one.value,
             MISSING if one.value is None else GOOD)
            for message in block for one in message.samples
        ]  # fmt: skip
        if rows:
            store_block(columns_of(rows), source="test", now=NOW)
    return code


def fallen_of(story: Story, cuts: list[int], cast: Cast) -> list[tuple[int, int]]:
    """(event time in ms, hundredths of a millimetre) as pages and rules see the gauge."""
    messages = [read(data, NOW) for data in story.frames]
    assert all(not message.error for message in messages)
    edges = [0, *sorted(cut % (len(messages) + 1) for cut in cuts), len(messages)]
    code = store([messages[a:b] for a, b in itertools.pairwise(edges)], cast)
    values = place_values(SYSTEM, cast.places[code], "rain", BEGIN, BEGIN + timedelta(hours=5))
    assert all(value is not None for _at, value in values)
    return [(ms(moment), round((value or 0) * 100)) for moment, value in values]


SLOW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(story=stories(counter=True), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_with_a_counter_each_step_is_its_difference_whatever_else_was_said(
    at_now: Cast, story: Story, cuts: list[int]
) -> None:
    got = fallen_of(story, cuts, at_now)
    if not story.heard:
        return
    differences = [0] + [10 * sum(story.steps[a + 1 : b + 1]) for a, b in itertools.pairwise(story.heard)]
    assert got == [(ms(at(step)), fallen) for step, fallen in zip(story.heard, differences, strict=True)]


@SLOW
@given(story=stories(counter=False), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_without_a_counter_each_five_minutes_count_once_at_their_own_time(
    at_now: Cast, story: Story, cuts: list[int]
) -> None:
    got = fallen_of(story, cuts, at_now)
    assert got == [(ms(at(step)), 10 * story.steps[step]) for step in story.heard]
