"""Ladders: what happens next, and when, while nobody has answered. Data from packs, frozen into each case."""

from typing import Literal

from pydantic import Field

from anlan.kernel.packs import Pack, PackModel


class TaskStep(PackModel):
    """One rung of a task's ladder. `at_s`: seconds after the deadline, negative = before it."""

    at_s: int
    act: Literal["remind", "escalate"]
    to: Literal["assignee", "deputy", "superior", "duty"] = "assignee"


class TaskLadder(Pack):
    """Reminders and escalation of a task, in order of time."""

    steps: tuple[TaskStep, ...] = Field(min_length=1)
