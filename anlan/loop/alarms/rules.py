"""What may happen to an alarm, and which incident it belongs to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from anlan.kernel.errors import Conflict
from anlan.kernel.modes import LEVEL_ORANGE


class State(StrEnum):
    """Derived from an alarm's times: nothing is stored twice."""

    ACTIVE = "active"
    EASED = "eased"
    CLEARED = "cleared"


WORDS: Mapping[State, str] = {State.ACTIVE: "在警", State.EASED: "已缓和，待签字解除", State.CLEARED: "已解除"}


@dataclass(frozen=True)
class RuleFacts:
    """What an alarm freezes of the rule that raised it.

    lowering: "automatic" clears with the readings; "signed" waits for a person from `signed_from` upwards.
    """

    urn: str
    ref: str
    title: str
    hazard: str
    lowering: Literal["automatic", "signed"] = "automatic"
    signed_from: int = LEVEL_ORANGE

    def needs_signature(self, level: int) -> bool:
        return self.lowering == "signed" and level >= self.signed_from


@dataclass(frozen=True)
class Step:
    """What a judged level does to an open alarm: its level in force, and the journal's word for it (None = nothing)."""

    level: int
    word: str | None
    void_acknowledgement: bool = False
    resume: bool = False


def state_of(eased_at: datetime | None, cleared_at: datetime | None) -> State:
    if cleared_at is not None:
        return State.CLEARED
    return State.EASED if eased_at is not None else State.ACTIVE


def step(state: State, level: int, judged: int, *, needs_signature: bool) -> Step:
    """How a judged level (1–4) changes an open alarm. Raising is at once and voids the old acknowledgement;
    lowering of a level that needs a signature waits for it. Raises Conflict on a cleared alarm."""
    if state is State.CLEARED:
        raise Conflict("alarms.cleared", "警情已解除")
    resume = state is State.EASED
    if judged > level:
        return Step(judged, "alarms.level_raised", void_acknowledgement=True, resume=resume)
    if judged < level and not needs_signature and not resume:
        return Step(judged, "alarms.level_lowered")
    return Step(level, "alarms.resumed" if resume else None, resume=resume)


@dataclass(frozen=True)
class Gather:
    """How alarms of a hazard make incidents: same area of `digits` code digits, last alarm at most `hours` ago."""

    digits: int
    hours: float


@dataclass(frozen=True)
class OpenIncident:
    id: UUID
    hazard: str
    area_code: str
    last_alarm_at: datetime


def gather_into(
    gather: Gather, hazard: str, area_code: str, at: datetime, open_incidents: Iterable[OpenIncident]
) -> UUID | None:
    """The open incident that an alarm joins; None = it opens one."""
    area = area_code[: gather.digits]
    near = [
        incident
        for incident in open_incidents
        if incident.hazard == hazard
        and incident.area_code == area
        and abs(at - incident.last_alarm_at) <= timedelta(hours=gather.hours)
    ]
    return max(near, key=lambda incident: incident.last_alarm_at).id if near else None


def check_closable(active: Iterable[str]) -> None:
    """An incident closes when none of its alarms is still active. Raises Conflict naming those that are."""
    names = list(active)
    if names:
        raise Conflict(
            "incidents.still_active",
            f"还有 {len(names)} 处警情没有缓和：{'、'.join(names[:5])}",
            "等雨量回落到解除指标以下，或逐一签字解除",
        )
