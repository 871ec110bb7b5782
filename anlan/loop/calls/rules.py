"""What happens next to a person who must be woken. Pure: values in, decisions out.

Heard to the end *and* a key after it is the only proof by telephone. A call never ends unreached and silent: it ends
acknowledged, reached in person, unreachable with a reason, superseded or cancelled, or it has a step in the future.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from anlan.kernel.channels import Event, Receipt, Result
from anlan.kernel.errors import Conflict
from anlan.kernel.ladders import CallRung

LISTEN_GRACE_S = 45
"""Somebody who is listening at T_wake is let hear to the end before others are woken."""
BREATH_S = 5
"""Between the end of one attempt and the start of the next."""
FAILED_GAP_S = 15
"""After an attempt that the channel, not the person, failed."""
LOST_SLACK_S = 60
"""Beyond ringing and text, before an attempt without a last receipt counts as lost."""
HEARD_SLACK_S = 0.5


class Stage(StrEnum):
    """Where a call stands."""

    CALLING = "calling"
    RIDING = "riding"
    WIDENED = "widened"
    AT_DOOR = "at_door"
    ACKED = "acked"
    REACHED = "reached"
    UNREACHABLE = "unreachable"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """Why this person is called: own post, for somebody not reached, or because of a task."""

    TARGET = "target"
    DEPUTY = "deputy"
    SUPERIOR = "superior"
    REMINDER = "reminder"


class Line(StrEnum):
    """Where one attempt stands."""

    PLANNED = "planned"
    PLACED = "placed"
    RINGING = "ringing"
    PLAYING = "playing"
    HEARD = "heard"
    OVER = "over"


class Outcome(StrEnum):
    """How one attempt ended. The channel's results, and three of our own."""

    CONFIRMED = "confirmed"
    HEARD = "heard"
    PARTIAL = "partial"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    BAD_NUMBER = "bad_number"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    LOST = "lost"
    FAILED = "failed"


STAGE_WORDS: Mapping[Stage, str] = {
    Stage.CALLING: "正在呼叫",
    Stage.RIDING: "随另一通电话",
    Stage.WIDENED: "已呼副职和上级",
    Stage.AT_DOOR: "已派人上门",
    Stage.ACKED: "已叫醒",
    Stage.REACHED: "已当面叫醒",
    Stage.UNREACHABLE: "无法叫醒",
    Stage.SUPERSEDED: "级别升高，重新叫应",
    Stage.CANCELLED: "已停止",
}
OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.CONFIRMED: "听完并按键",
    Outcome.HEARD: "听完没按键",
    Outcome.PARTIAL: "没听完就挂断",
    Outcome.NO_ANSWER: "无人接",
    Outcome.BUSY: "占线",
    Outcome.BAD_NUMBER: "空号",
    Outcome.REJECTED: "拒接",
    Outcome.CANCELLED: "停呼",
    Outcome.LOST: "没有回执",
    Outcome.FAILED: "线路故障",
}
WOKEN = frozenset({Stage.ACKED, Stage.REACHED})
TERMINAL = WOKEN | {Stage.UNREACHABLE, Stage.SUPERSEDED, Stage.CANCELLED}
OPEN = frozenset(Stage) - TERMINAL

# act → stages it may start from, stage it leads to. Nothing else changes a stage.
EDGES: Mapping[str, tuple[frozenset[Stage], Stage]] = {
    "acknowledge": (OPEN, Stage.ACKED),
    "widen": (frozenset({Stage.CALLING}), Stage.WIDENED),
    "door": (frozenset({Stage.CALLING, Stage.WIDENED}), Stage.AT_DOOR),
    "reach": (OPEN, Stage.REACHED),
    "give_up": (OPEN, Stage.UNREACHABLE),
    "supersede": (OPEN, Stage.SUPERSEDED),
    "cancel": (OPEN, Stage.CANCELLED),
    # A proof at the door that was sent back; a further place after an end; a leader that stopped under its riders.
    "return_proof": (frozenset({Stage.REACHED}), Stage.AT_DOOR),
    "renew": (WOKEN | {Stage.UNREACHABLE, Stage.CANCELLED}, Stage.CALLING),
    "dismount": (frozenset({Stage.RIDING}), Stage.CALLING),
}

_RANK = {line: rank for rank, line in enumerate(Line)}
_OUTCOMES: Mapping[Result, Outcome] = {
    Result.HEARD: Outcome.HEARD,
    Result.PARTIAL: Outcome.PARTIAL,
    Result.NO_ANSWER: Outcome.NO_ANSWER,
    Result.BUSY: Outcome.BUSY,
    Result.BAD_NUMBER: Outcome.BAD_NUMBER,
    Result.REJECTED: Outcome.REJECTED,
    Result.CANCELLED: Outcome.CANCELLED,
}


def move(act: str, stage: Stage | str) -> Stage:
    """The stage that an act leads to. Raises Conflict where the machine has no such edge."""
    sources, target = EDGES[act]
    if stage not in sources:
        raise Conflict("calls.stage", f"这通叫应现在是“{STAGE_WORDS[Stage(stage)]}”，不能做这一步", "请刷新后再看")
    return target


@dataclass(frozen=True)
class AttemptFacts:
    """One attempt. at: planned or, when it could not be placed, to be tried again; deadline: lost after this."""

    n: int
    line: Line
    at: datetime
    deadline: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    seconds: float = 0.0
    of: float = 0.0

    @property
    def open(self) -> bool:
        return self.line is not Line.OVER


@dataclass(frozen=True)
class CallFacts:
    """What the next step depends on.

    attempts: since `opened_at`, in order. chain: stages of the calls to deputy and superior. hurry: an officer said
    "escalate now"; ask: "ring again". told_at: when the duty leader was last told that the door is late.
    """

    stage: Stage
    kind: Kind
    opened_at: datetime
    number_known: bool = True
    attempts: tuple[AttemptFacts, ...] = ()
    chain: tuple[Stage, ...] = ()
    widened_at: datetime | None = None
    told_at: datetime | None = None
    hurry: bool = False
    ask: bool = False

    @property
    def number_usable(self) -> bool:
        return self.number_known and all(a.outcome is not Outcome.BAD_NUMBER for a in self.attempts)

    @property
    def standing(self) -> AttemptFacts | None:
        """The attempt that is not over, if any; there is never more than one."""
        return next((a for a in self.attempts if a.open), None)


class Do(StrEnum):
    """What a step does."""

    DIAL = "dial"
    LOST = "lost"
    WIDEN = "widen"
    DOOR = "door"
    TELL = "tell"
    GIVE_UP = "give_up"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Step:
    """The next thing to do now; or WAIT until `at`. n: number of the attempt for DIAL and LOST."""

    do: Do
    at: datetime | None = None
    n: int = 0
    reason: str = ""


def _after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def next_step(rung: CallRung, facts: CallFacts, now: datetime) -> Step:
    """What to do next for one person: dial, widen to deputy and superior, send to the door, or wait and until when."""
    if facts.stage in TERMINAL:
        return Step(Do.DONE)
    if facts.stage is Stage.RIDING:
        return Step(Do.WAIT)
    times: list[datetime] = []
    standing = facts.standing
    if standing is not None and standing.line is not Line.PLANNED:
        if now >= standing.deadline:
            return Step(Do.LOST, n=standing.n)
        times.append(standing.deadline)
    climb = _climb(rung, facts, now, times)
    if climb is not None:
        return climb
    dial_at = _dial_at(rung, facts, now)
    if dial_at is not None:
        if now >= dial_at:
            return Step(Do.DIAL, n=standing.n if standing else len(facts.attempts) + 1)
        times.append(dial_at)
    return Step(Do.WAIT, at=min(times))


def _climb(rung: CallRung, facts: CallFacts, now: datetime, times: list[datetime]) -> Step | None:
    """The step beside dialling, if one is due; else its moment is added to `times`."""
    if facts.kind is not Kind.TARGET or not rung.widen:
        return _give_up(rung, facts, times)
    if facts.stage is Stage.CALLING:
        at = _after(facts.opened_at, rung.t_wake_s + rung.widen_after_s)
        standing = facts.standing
        if standing is not None and standing.line is Line.PLAYING and not facts.hurry:
            at = _after(at, LISTEN_GRACE_S)
        if facts.hurry or not facts.number_usable or now >= at:
            return Step(Do.WIDEN)
        times.append(at)
    elif facts.stage is Stage.WIDENED:
        at = max(_after(facts.opened_at, rung.door_assign_s), facts.widened_at or facts.opened_at)
        answered = any(stage in WOKEN for stage in facts.chain)
        exhausted = all(stage in TERMINAL for stage in facts.chain)
        if answered or exhausted or now >= at:
            return Step(Do.DOOR)
        times.append(at)
    else:
        due = _after(facts.opened_at, rung.door_due_s)
        at = due if facts.told_at is None else max(due, _after(facts.told_at, rung.gap_every_s))
        if now >= at:
            return Step(Do.TELL)
        times.append(at)
    return None


def _counted(facts: CallFacts) -> int:
    """Dials that count: a failed line is not the person's fault."""
    return sum(1 for a in facts.attempts if a.outcome is not Outcome.FAILED)


def _give_up(rung: CallRung, facts: CallFacts, times: list[datetime]) -> Step | None:
    """Nobody stands behind this call: it ends when its dials are used up, with the reason."""
    if not facts.number_usable and facts.standing is None:
        return Step(Do.GIVE_UP, reason="bad_number" if facts.number_known else "no_number")
    if facts.standing is None and _counted(facts) >= rung.dials and not facts.ask:
        last = facts.attempts[-1].outcome if facts.attempts else None
        return Step(Do.GIVE_UP, reason=str(last or Outcome.NO_ANSWER))
    if not times and facts.standing is None and len(facts.attempts) >= 3 * rung.dials:
        return Step(Do.GIVE_UP, reason=str(Outcome.FAILED))
    return None


def _dial_at(rung: CallRung, facts: CallFacts, now: datetime) -> datetime | None:
    """When to dial next; None: not while this attempt lasts, or not at all."""
    standing = facts.standing
    if standing is not None:
        return standing.at if standing.line is Line.PLANNED else None
    if not facts.number_usable:
        return None
    if facts.ask:
        return now
    last = facts.attempts[-1] if facts.attempts else None
    if last is None:
        return _after(facts.opened_at, rung.first_dial_s)
    ended = last.ended_at or last.at
    if last.outcome is Outcome.FAILED:
        return _after(ended, FAILED_GAP_S)
    planned = facts.kind is not Kind.TARGET or facts.stage is Stage.CALLING or not rung.widen
    if planned and (done := _counted(facts)) < rung.dials:
        start = _after(facts.opened_at, rung.first_dial_s + done * rung.redial_gap_s)
        return max(start, _after(ended, BREATH_S))
    if facts.stage in (Stage.WIDENED, Stage.AT_DOOR):
        return _after(ended, rung.persist_every_s)
    return None


def deadline(rung: CallRung, placed_at: datetime, of_s: float) -> datetime:
    """When an attempt without a last receipt counts as lost."""
    return _after(placed_at, rung.ring_s + of_s + LOST_SLACK_S)


def receipt(attempt: AttemptFacts, news: Receipt, confirm_keys: Sequence[str]) -> AttemptFacts:
    """The attempt after one more receipt. Late, repeated and disordered receipts change nothing that is settled.

    A channel's `heard_and_confirmed` with fewer seconds than the text has is taken for what it is: partial.
    """
    if not attempt.open:
        return attempt
    seconds, of = max(attempt.seconds, news.seconds), max(attempt.of, news.of)
    moved = replace(attempt, seconds=seconds, of=of)
    whole = news.seconds + HEARD_SLACK_S >= of
    if news.event is Event.KEY and news.digit in confirm_keys and of > 0 and whole:
        return replace(moved, line=Line.OVER, outcome=Outcome.CONFIRMED, ended_at=news.at)
    if news.event is Event.COMPLETED and news.result is not None:
        if news.result is Result.HEARD_AND_CONFIRMED:
            outcome = Outcome.CONFIRMED if whole else Outcome.PARTIAL
        else:
            outcome = _OUTCOMES[news.result]
        return replace(moved, line=Line.OVER, outcome=outcome, ended_at=news.at)
    line = {
        Event.RINGING: Line.RINGING,
        Event.ANSWERED: Line.PLAYING,
        Event.PLAYED: Line.HEARD if of > 0 and whole else Line.PLAYING,
    }.get(news.event, attempt.line)
    return moved if _RANK[line] <= _RANK[attempt.line] else replace(moved, line=line)
