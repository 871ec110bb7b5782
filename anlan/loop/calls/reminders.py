"""Telephone reminders of tasks: what a task's ladder asks for is rung up, and ends with the task."""

from datetime import datetime

from anlan.base.journal.commands import command
from anlan.base.people.models import Person, Post
from anlan.base.people.queries import answers_for, deputy_for
from anlan.base.tasks.models import Task
from anlan.kernel.actor import Actor
from anlan.kernel.clock import beijing
from anlan.kernel.modes import LEVEL_BLUE
from anlan.loop.alarms.models import Incident

from . import packs, rules
from .commands import close, ensure_call, note, start
from .models import Call, Campaign
from .queries import office_of, on_duty
from .rules import Kind, Stage


@command("calls.remind")
def remind(actor: Actor, task: Task, *, to: str, now: datetime) -> Call | None:
    """Ring up the one whom a step of the task's ladder names. None: the task is over, or nobody holds such a post.

    to: assignee, deputy, superior or duty. A second step to the same person rings the same call again.
    """
    found = _whom(task, to, now)
    if task.state not in ("assigned", "accepted", "returned") or found is None:
        return None
    person, post = found
    campaign = _campaign(actor, task, now)
    call = ensure_call(actor, campaign, Kind.REMINDER, person, post, now)
    changes: dict[str, object] = {"text": _text(task, to), "due_at": now, "place": task.place}
    if Stage(call.stage) in rules.OPEN:
        changes["ask"] = True
    else:
        changes |= {"stage": rules.move("renew", call.stage).value, "opened_at": now, "ended_at": None, "reason": ""}
    Call.objects.filter(pk=call.pk, stage=call.stage).update(**changes)
    note(actor, "calls.reminded", campaign, call, now, task=str(task.id), to=to)
    return call


@command("calls.reminder_over")
def over(actor: Actor, task: Task, *, now: datetime) -> None:
    """The task was handed in or taken back: nobody is reminded of it any more."""
    for campaign in Campaign.objects.open().filter(origin=_origin(task)):
        close(actor, campaign, "lifted", now, "任务已交")


def _origin(task: Task) -> str:
    return f"task:{task.id}"


def _whom(task: Task, to: str, now: datetime) -> tuple[Person, Post] | None:
    """Person and post of a step; where a rank is empty, whoever is on duty above."""
    post = task.assignee_post
    if post is not None:
        superior = post.superior
        person = {
            "assignee": task.assignee_person,
            "deputy": deputy_for(post, now),
            "superior": answers_for(superior, now) if superior else None,
        }.get(to)
        if person is not None:
            return person, superior if to == "superior" and superior else post
    return on_duty(task.area_code, task.mode, now)


def _campaign(actor: Actor, task: Task, now: datetime) -> Campaign:
    incident = Incident.objects.filter(id=task.case_id).first() if task.case_id else None
    level = incident.level if incident and incident.level else LEVEL_BLUE
    return start(
        actor,
        _origin(task),
        incident=incident,
        title=f"催办：{task.title}",
        hazard="",
        area_code=task.area_code,
        level=level,
        ladder=packs.reminder_ladder(),
        message=packs.reminder_message(),
        now=now,
    )


def _text(task: Task, to: str) -> str:
    pack = packs.reminder_message()
    template = {"deputy": pack.deputy, "superior": pack.superior, "duty": pack.superior}.get(to, pack.texts["red"])
    deadline = f"{beijing(task.deadline):%H:%M}"
    return pack.say(template, {"office": office_of(task.area_code), "task": task.title, "deadline": deadline})
