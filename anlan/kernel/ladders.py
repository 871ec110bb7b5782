"""Ladders: what happens next, and when, while nobody has answered. Data from packs, frozen into each case."""

from typing import Literal

from pydantic import Field, model_validator

from anlan.kernel.packs import Norm, Pack, PackModel


class TaskStep(PackModel):
    """One rung of a task's ladder. `at_s`: seconds after the deadline, negative = before it."""

    at_s: int
    act: Literal["remind", "escalate"]
    to: Literal["assignee", "deputy", "superior", "duty"] = "assignee"


class TaskLadder(Pack):
    """Reminders and escalation of a task, in order of time."""

    steps: tuple[TaskStep, ...] = Field(min_length=1)


LevelName = Literal["blue", "yellow", "orange", "red"]


class CallRung(PackModel):
    """How persons are called at one level. All lengths in seconds of the site's clock, from the issue (T) on.

    dial: false = nobody is rung up at this level, the desk alone sees it. dials: calls to the person before T_wake.
    persist_every_s: after T_wake the person is still rung up this often, until reached. door_assign_s: latest moment
    at which somebody is sent to the door; door_due_s: by then the person must be reached there. targets: roles of
    posts, looked up at the place and above it. widen: false = nobody stands behind them: they end unreachable, with
    the reason, when their dials are used up.
    """

    dial: bool = True
    first_dial_s: int = Field(ge=0)
    dials: int = Field(ge=1, le=10)
    redial_gap_s: int = Field(ge=20, description="from start to start")
    ring_s: int = Field(default=30, ge=5, le=120)
    t_wake_s: int = Field(gt=0)
    widen: bool = True
    widen_after_s: int = Field(default=0, ge=0, description="after T_wake")
    door_assign_s: int = Field(gt=0)
    door_due_s: int = Field(gt=0)
    persist_every_s: int = Field(default=300, ge=60)
    gap_every_s: int = Field(gt=0, description="the duty leader is told of the gap at T_wake, then this often")
    gather_s: int = Field(default=30, ge=0, description="wait before telling an awake person of a further place")
    door_proof: tuple[Literal["photo", "text", "count", "signature"], ...] = ("photo",)
    targets: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "CallRung":
        last_dial = self.first_dial_s + (self.dials - 1) * self.redial_gap_s
        if last_dial >= self.t_wake_s:
            raise ValueError(f"the last of {self.dials} dials starts at {last_dial} s, after t_wake_s={self.t_wake_s}")
        if not self.t_wake_s + self.widen_after_s <= self.door_assign_s < self.door_due_s:
            raise ValueError("expected t_wake_s + widen_after_s <= door_assign_s < door_due_s")
        return self


class CallLadder(Pack):
    """Who is called, how often, and what follows when nobody answers, by level.

    hazards: which incidents it is for; empty = task reminders. sources: where single numbers come from, by
    "level.field" or "field".
    """

    hazards: tuple[str, ...] = ()
    levels: dict[LevelName, CallRung]
    sources: dict[str, Norm] = {}
