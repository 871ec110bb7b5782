"""Named cases of the ladder, with the numbers of the shipped pack."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from anlan.kernel.channels import Event, Receipt, Result
from anlan.kernel.ladders import CallRung
from anlan.loop.calls import rules
from anlan.loop.calls.packs import MessagePack, ladder_for, listing, message_for, messages, reminder_ladder
from anlan.loop.calls.rules import AttemptFacts, CallFacts, Do, Kind, Line, Outcome, Stage

T0 = datetime(2026, 7, 20, 18, 31, tzinfo=UTC)
_LADDER = ladder_for("flash_flood")
assert _LADDER is not None
RED = _LADDER.levels["red"]
TARGET = CallFacts(Stage.CALLING, Kind.TARGET, T0)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def over(n: int, start: float, outcome: Outcome, lasts: float = 32) -> AttemptFacts:
    return AttemptFacts(n, Line.OVER, at(start), at(start + 90), at(start + lasts), outcome)


def test_red_dials_three_times_in_five_minutes_then_widens() -> None:
    """Oracle CALL: no answer × 3 in 5 min → deputy and superior are called at T+5."""
    facts, starts, now = TARGET, [], 0.0
    while (step := rules.next_step(RED, facts, at(now))).do in (Do.DIAL, Do.WAIT):
        if step.do is Do.WAIT:
            assert step.at is not None
            now = (step.at - T0).total_seconds()
            continue
        starts.append(now)
        facts = replace(facts, attempts=(*facts.attempts, over(step.n, now, Outcome.NO_ANSWER)))
    assert starts == [0, 100, 200]
    assert (step.do, now) == (Do.WIDEN, 300)


def test_bad_number_widens_at_once_and_is_not_dialled_again() -> None:
    facts = replace(TARGET, attempts=(over(1, 0, Outcome.BAD_NUMBER, 1),))
    assert rules.next_step(RED, facts, at(2)).do is Do.WIDEN
    late = replace(facts, stage=Stage.AT_DOOR, widened_at=at(2), told_at=at(900))
    assert rules.next_step(RED, late, at(1000)) == rules.Step(Do.WAIT, at=at(1200))


def test_somebody_listening_at_t_wake_may_hear_the_end() -> None:
    playing = AttemptFacts(3, Line.PLAYING, at(280), at(390))
    facts = replace(TARGET, attempts=(over(1, 0, Outcome.BUSY), over(2, 120, Outcome.BUSY), playing))
    assert rules.next_step(RED, facts, at(301)).do is Do.WAIT
    assert rules.next_step(RED, facts, at(346)).do is Do.WIDEN


@pytest.mark.parametrize(
    ("chain", "seconds", "do"),
    [
        ((Stage.CALLING, Stage.ACKED), 310, Do.DOOR),
        ((Stage.UNREACHABLE, Stage.UNREACHABLE), 310, Do.DOOR),
        ((), 310, Do.DOOR),
        ((Stage.CALLING, Stage.UNREACHABLE), 310, Do.DIAL),
        ((Stage.CALLING, Stage.CALLING), 480, Do.DOOR),
    ],
)
def test_door(chain: tuple[Stage, ...], seconds: float, do: Do) -> None:
    facts = replace(TARGET, stage=Stage.WIDENED, widened_at=at(300), chain=chain)
    assert rules.next_step(RED, facts, at(seconds)).do is do


def test_person_at_the_door_is_still_rung_up() -> None:
    facts = replace(TARGET, stage=Stage.AT_DOOR, widened_at=at(300), attempts=(over(1, 240, Outcome.NO_ANSWER),))
    assert rules.next_step(RED, facts, at(300)) == rules.Step(Do.WAIT, at=at(272 + 180))
    assert rules.next_step(RED, facts, at(500)) == rules.Step(Do.DIAL, n=2)


def test_deputy_ends_with_a_reason() -> None:
    attempts = tuple(over(n, n * 100, Outcome.NO_ANSWER) for n in (1, 2, 3))
    facts = replace(TARGET, kind=Kind.DEPUTY, attempts=attempts)
    assert rules.next_step(RED, facts, at(400)) == rules.Step(Do.GIVE_UP, reason="no_answer")
    assert rules.next_step(RED, replace(facts, ask=True), at(400)).do is Do.DIAL


def test_planned_attempt_is_resumed_with_its_own_number() -> None:
    planned = AttemptFacts(2, Line.PLANNED, at(100), at(100))
    facts = replace(TARGET, attempts=(over(1, 0, Outcome.NO_ANSWER), planned))
    assert rules.next_step(RED, facts, at(130)) == rules.Step(Do.DIAL, n=2)


def test_failed_line_does_not_use_up_dials() -> None:
    attempts = tuple(over(n, n * 20, Outcome.FAILED, 1) for n in (1, 2, 3))
    assert rules.next_step(RED, replace(TARGET, attempts=attempts), at(90)).do is Do.DIAL


@pytest.mark.parametrize(
    ("event", "seconds", "digit", "result", "outcome"),
    [
        (Event.COMPLETED, 12, "", Result.PARTIAL, Outcome.PARTIAL),
        (Event.COMPLETED, 12, "", Result.HEARD_AND_CONFIRMED, Outcome.PARTIAL),
        (Event.COMPLETED, 20, "", Result.HEARD, Outcome.HEARD),
        (Event.COMPLETED, 20, "", Result.HEARD_AND_CONFIRMED, Outcome.CONFIRMED),
        (Event.KEY, 20, "1", None, Outcome.CONFIRMED),
        (Event.KEY, 20, "2", None, None),
        (Event.KEY, 12, "1", None, None),
    ],
)
def test_heard_to_the_end_and_key(
    event: Event, seconds: float, digit: str, result: Result | None, outcome: Outcome | None
) -> None:
    news = Receipt("e", 1, "c", "k", event, T0, seconds, 20, digit, result)
    playing = AttemptFacts(1, Line.PLAYING, T0, at(90))
    assert rules.receipt(playing, news, ("1",)).outcome is outcome


def test_ladder_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="after t_wake_s"):
        CallRung.model_validate(RED.model_dump() | {"redial_gap_s": 200})
    with pytest.raises(ValueError, match="door_assign_s"):
        CallRung.model_validate(RED.model_dump() | {"door_assign_s": 900})


def test_every_ladder_has_texts_that_last_no_longer_than_they_may() -> None:
    ladder = ladder_for("river")
    assert ladder is not None
    assert set(ladder.levels) == set(message_for("river").texts)
    assert set(reminder_ladder().levels) == {"red", "orange", "yellow", "blue"}
    pack = messages()["urn:anlan:messages:flood"]
    with pytest.raises(ValueError, match="no such slot"):
        MessagePack.model_validate(pack.model_dump() | {"deputy": "{nobody}"})
    with pytest.raises(ValueError, match="may last"):
        MessagePack.model_validate(pack.model_dump() | {"max_seconds": 5})


def test_listing_says_how_many() -> None:
    assert listing(["青石崖村", "寨后村", "青石崖村"]) == "青石崖村、寨后村"
    assert listing([f"很长的村名{n}村" for n in range(9)]).endswith("等 9 处")
    assert len(listing([f"很长的村名{n}村" for n in range(9)])) <= 26
    assert listing([]) == "辖区"
