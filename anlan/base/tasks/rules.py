"""The task's state machine, its evidence and its ladder. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from anlan.kernel.errors import Conflict, Invalid
from anlan.kernel.ladders import TaskStep


class State(StrEnum):
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    VERIFIED = "verified"
    RETURNED = "returned"
    CANCELLED = "cancelled"


WORDS: Mapping[State, str] = {
    State.ASSIGNED: "已派发",
    State.ACCEPTED: "已接",
    State.SUBMITTED: "待核验",
    State.VERIFIED: "已办结",
    State.RETURNED: "退回重办",
    State.CANCELLED: "已撤销",
}
OPEN = frozenset({State.ASSIGNED, State.ACCEPTED, State.SUBMITTED, State.RETURNED})
OWED = frozenset({State.ASSIGNED, State.ACCEPTED, State.RETURNED})

# act → states it may start from, state it leads to
EDGES: Mapping[str, tuple[frozenset[State], State]] = {
    "accept": (frozenset({State.ASSIGNED, State.RETURNED}), State.ACCEPTED),
    "submit": (OWED, State.SUBMITTED),
    "verify": (frozenset({State.SUBMITTED}), State.VERIFIED),
    "send_back": (frozenset({State.SUBMITTED}), State.RETURNED),
    "cancel": (OPEN, State.CANCELLED),
}

EVIDENCE: Mapping[str, str] = {"text": "说明", "photo": "照片", "count": "人数", "signature": "签名"}
LATEST = 366 * 24 * 3600


def step(act: str, state: str) -> State:
    """The state that an act leads to. Raises Conflict where the machine has no such edge."""
    sources, target = EDGES[act]
    if state not in sources:
        raise Conflict("tasks.state", f"任务现在是“{WORDS[State(state)]}”，不能做这一步", "请刷新后再看")
    return target


def missing(required: Iterable[str], given: Iterable[str]) -> list[str]:
    """Kinds of evidence still owed, in the order they are asked for."""
    have = set(given)
    return [kind for kind in required if kind not in have]


def check_evidence(kind: str, *, text: str, number: int | None, has_file: bool) -> None:
    """Raises Invalid naming what this kind of evidence needs."""
    if kind not in EVIDENCE:
        raise Invalid("kind", f"没有这种凭证：{kind}", f"可用：{'、'.join(EVIDENCE)}")
    if kind == "text" and not text.strip():
        raise Invalid("text", "说明不能为空")
    if kind == "count" and (number is None or number < 0):
        raise Invalid("number", "人数应为 0 或正整数")
    if kind in ("photo", "signature") and not has_file:
        raise Invalid("file", f"缺{EVIDENCE[kind]}文件")


@dataclass(frozen=True)
class Rung:
    """One ladder step that is due, by its place in the ladder."""

    index: int
    step: TaskStep
    at: datetime


def next_rung(steps: Sequence[TaskStep], taken: int, due_at: datetime) -> Rung | None:
    """The first step not yet taken. None: the ladder is at its end."""
    if taken >= len(steps):
        return None
    found = steps[taken]
    return Rung(taken, found, due_at + timedelta(seconds=found.at_s))
