"""The call machine under any history: only legal edges, one attempt at a time, and never unreached and silent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anlan.kernel.channels import Event, Receipt, Result
from anlan.kernel.errors import Conflict
from anlan.kernel.ladders import CallRung
from anlan.loop.calls import rules
from anlan.loop.calls.packs import ladders
from anlan.loop.calls.rules import AttemptFacts, CallFacts, Do, Kind, Line, Outcome, Stage

T0 = datetime(2026, 7, 20, 18, 31, tzinfo=UTC)
RUNGS = [rung for pack in ladders().values() for rung in pack.levels.values() if rung.dial]
OF = 20.0


def _receipt(seq: int, event: Event, at: datetime, **values: object) -> Receipt:
    return Receipt(id=f"e{seq}", seq=seq, call="c", key="k", event=event, at=at, of=OF, **values)  # type: ignore[arg-type]


class Calls(RuleBasedStateMachine):
    """A person, an officer, a channel that may fail and a clock, in any order."""

    @initialize(
        rung=st.sampled_from(RUNGS), kind=st.sampled_from(list(Kind)), known=st.booleans(), riding=st.booleans()
    )
    def begin(self, rung: CallRung, kind: Kind, known: bool, riding: bool) -> None:
        self.rung, self.now, self.seq = rung, T0, 0
        stage = Stage.RIDING if riding and kind is Kind.TARGET else Stage.CALLING
        self.facts = CallFacts(stage, kind, T0, number_known=known)
        self.dials_at: list[datetime] = []
        self.reason = ""

    def _move(self, act: str) -> None:
        self.facts = replace(self.facts, stage=rules.move(act, self.facts.stage))

    def _change(self, attempt: AttemptFacts) -> None:
        attempts = tuple(attempt if a.n == attempt.n else a for a in self.facts.attempts)
        self.facts = replace(self.facts, attempts=attempts)
        if attempt.outcome is Outcome.CONFIRMED and self.facts.stage in rules.OPEN:
            self._move("acknowledge")

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def work(self) -> None:
        """The worker does every step that is due; it must come to rest."""
        for _ in range(12):
            step = rules.next_step(self.rung, self.facts, self.now)
            if step.do in (Do.WAIT, Do.DONE):
                return
            self._apply(step)
        raise AssertionError(f"does not come to rest: {self.facts}")

    def _apply(self, step: rules.Step) -> None:
        facts = self.facts
        if step.do is Do.DIAL:
            standing = facts.standing
            assert standing is None or (standing.line is Line.PLANNED and standing.n == step.n)
            assert facts.number_usable
            placed = AttemptFacts(step.n, Line.PLACED, self.now, rules.deadline(self.rung, self.now, OF))
            kept = tuple(a for a in facts.attempts if a.n != step.n)
            self.facts = replace(facts, attempts=(*kept, placed), ask=False)
            self.dials_at.append(self.now)
        elif step.do is Do.LOST:
            lost = next(a for a in facts.attempts if a.n == step.n)
            self._change(replace(lost, line=Line.OVER, outcome=Outcome.LOST, ended_at=self.now))
        elif step.do is Do.WIDEN:
            assert facts.kind is Kind.TARGET
            self._move("widen")
            self.facts = replace(self.facts, widened_at=self.now, hurry=False, chain=(Stage.CALLING, Stage.CALLING))
        elif step.do is Do.DOOR:
            self._move("door")
        elif step.do is Do.TELL:
            self.facts = replace(facts, told_at=self.now)
        elif step.do is Do.GIVE_UP:
            # A rung without widening has nobody behind its targets either: they end, with the reason.
            assert facts.kind is not Kind.TARGET or not self.rung.widen
            assert step.reason
            self.reason = step.reason
            self._move("give_up")

    @precondition(lambda self: self.facts.standing is not None)
    @rule(
        event=st.sampled_from(list(Event)),
        seconds=st.sampled_from([0.0, 12.0, OF]),
        digit=st.sampled_from(["1", "2"]),
        result=st.sampled_from(list(Result)),
    )
    def channel_reports(self, event: Event, seconds: float, digit: str, result: Result) -> None:
        standing = self.facts.standing
        assert standing is not None
        self.seq += 1
        news = _receipt(
            self.seq,
            event,
            self.now,
            seconds=seconds,
            digit=digit if event is Event.KEY else "",
            result=result if event is Event.COMPLETED else None,
        )
        after = rules.receipt(standing, news, ("1",))
        assert rules.receipt(after, news, ("1",)) == after
        if after.outcome is Outcome.CONFIRMED:
            assert seconds == OF
        self._change(after)

    @precondition(lambda self: self.facts.standing is not None)
    @rule()
    def channel_fails(self) -> None:
        standing = self.facts.standing
        assert standing is not None
        self._change(replace(standing, line=Line.OVER, outcome=Outcome.FAILED, ended_at=self.now))

    @precondition(lambda self: self.facts.stage is Stage.WIDENED)
    @rule(first=st.sampled_from(list(Stage)), second=st.sampled_from(list(Stage)))
    def chain_moves(self, first: Stage, second: Stage) -> None:
        self.facts = replace(self.facts, chain=(first, second))

    @rule(act=st.sampled_from(list(rules.EDGES)))
    def somebody_acts(self, act: str) -> None:
        sources, target = rules.EDGES[act]
        before = self.facts.stage
        if before not in sources:
            with pytest.raises(Conflict):
                rules.move(act, before)
            return
        if act in ("widen", "door") and self.facts.kind is not Kind.TARGET:
            return
        self._move(act)
        assert self.facts.stage is target
        if act == "give_up":
            self.reason = "by hand"
        if act in ("renew", "dismount"):
            over = tuple(a for a in self.facts.attempts if a.open)
            self.facts = replace(
                self.facts, opened_at=self.now, attempts=over, widened_at=None, told_at=None, hurry=False, chain=()
            )
        if act == "widen":
            self.facts = replace(self.facts, widened_at=self.now)

    @precondition(lambda self: self.facts.stage in rules.OPEN)
    @rule(hurry=st.booleans())
    def officer_asks(self, hurry: bool) -> None:
        self.facts = replace(self.facts, hurry=True) if hurry else replace(self.facts, ask=True)

    @invariant()
    def one_attempt_at_a_time(self) -> None:
        assert sum(a.open for a in self.facts.attempts) <= 1

    @invariant()
    def never_unreached_and_silent(self) -> None:
        step = rules.next_step(self.rung, self.facts, self.now)
        if self.facts.stage in rules.TERMINAL:
            assert step.do is Do.DONE
            assert self.facts.stage is not Stage.UNREACHABLE or self.reason
        elif self.facts.stage is not Stage.RIDING:
            assert step.do is not Do.DONE
            if step.do is Do.WAIT:
                assert step.at is not None
                assert step.at > self.now


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@given(st.permutations(range(5)))
def test_disordered_receipts_end_alike(order: list[int]) -> None:
    """A whole call's receipts in any order end confirmed: the last word is the completed one, or the key."""
    news = [
        _receipt(1, Event.RINGING, T0),
        _receipt(2, Event.ANSWERED, T0),
        _receipt(3, Event.PLAYED, T0, seconds=OF),
        _receipt(4, Event.KEY, T0, seconds=OF, digit="1"),
        _receipt(5, Event.COMPLETED, T0, seconds=OF, result=Result.HEARD_AND_CONFIRMED),
    ]
    attempt = AttemptFacts(1, Line.PLACED, T0, T0)
    for index in order:
        attempt = rules.receipt(attempt, news[index], ("1",))
    assert attempt.outcome is Outcome.CONFIRMED
