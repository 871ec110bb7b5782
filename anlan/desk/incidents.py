"""One incident as the loop: steps with their minutes, the timeline, what should happen now. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from anlan.base.journal.models import Entry
from anlan.base.tasks.models import Task
from anlan.base.tasks.queries import visible_tasks
from anlan.kernel.actor import Actor
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.queries import timeline, visible_alarms
from anlan.loop.alarms.rules import State
from anlan.loop.calls.models import Call, Campaign

from .rain import Window, nearest, windows
from .timeline import Line, Names, tell

LINES_SHOWN = 200


@dataclass(frozen=True)
class LoopStep:
    """One of the seven words of the loop. css: done, now or "" (still to come)."""

    word: str
    at: datetime | None
    note: str
    css: str


@dataclass(frozen=True)
class Seen:
    """One alarm with the window of rain that is nearest to its limit; None = the place is not judged by rain."""

    alarm: Alarm
    window: Window | None


@dataclass(frozen=True)
class Picture:
    """Everything the incident page shows."""

    incident: Incident
    alarms: list[Seen]
    campaigns: list[Campaign]
    tasks: list[Task]
    steps: list[LoopStep]
    lines: list[Line]
    only: str
    may_close: bool
    still_active: int


def picture(actor: Actor, incident: Incident, now: datetime, only: str = "") -> Picture:
    """Gather an incident for an actor, within what the actor sees. only: a segment of the course, "" = all of it."""
    alarms = list(
        visible_alarms(actor).filter(incident=incident).select_related("place").order_by("-level", "-people_at_risk")
    )
    campaigns = []
    if actor.may("calls.read"):
        campaigns = list(Campaign.objects.visible_to(actor).filter(incident=incident).order_by("-opened_at"))
    tasks = list(
        visible_tasks(actor).filter(case_id=incident.id).select_related("assignee_person").order_by("deadline")
    )
    entries = list(timeline(actor, incident))
    active = sum(1 for alarm in alarms if alarm.state is State.ACTIVE)
    return Picture(
        incident=incident,
        alarms=[Seen(alarm, _window(actor, alarm, now)) for alarm in alarms],
        campaigns=campaigns,
        tasks=tasks,
        steps=_steps(incident, entries),
        lines=tell(entries, _names(actor, incident, alarms, tasks), incident.opened_at, only)[-LINES_SHOWN:],
        only=only,
        may_close=incident.closed_at is None and active == 0,
        still_active=active,
    )


def _window(actor: Actor, alarm: Alarm, now: datetime) -> Window | None:
    if alarm.cleared_at is not None or not actor.may("sensing.read"):
        return None
    window = nearest(windows(actor, alarm.place, now))
    return window if window and window.limits else None


def _names(actor: Actor, incident: Incident, alarms: list[Alarm], tasks: list[Task]) -> Names:
    calls: dict[str, str] = {}
    if actor.may("calls.read"):
        found = Call.objects.visible_to(actor).filter(campaign__incident=incident)
        calls = {str(number): "、".join(posts) for number, posts in found.values_list("id", "posts")}
    return Names(
        {str(alarm.id): alarm.place.name for alarm in alarms}, calls, {str(task.id): task.title for task in tasks}
    )


def _first(entries: list[Entry], *kinds: str) -> datetime | None:
    return next((entry.happened_at for entry in entries if entry.kind in kinds), None)


def _steps(incident: Incident, entries: list[Entry]) -> list[LoopStep]:
    """Signal → judgement → call → action → report → lift, each with the minutes since the one before."""
    woken = sum(1 for entry in entries if entry.kind == "calls.acked")
    marks = [
        (_("信号"), incident.opened_at),
        (_("研判"), _first(entries, "alarms.acknowledged")),
        (_("叫应"), _first(entries, "calls.opened")),
        (_("行动"), _first(entries, "calls.acked", "tasks.accepted")),
        (_("到户"), _first(entries, "tasks.submitted")),
        (_("核验"), _first(entries, "tasks.verified")),
        (_("解除"), incident.closed_at),
    ]
    steps, before = [], incident.opened_at
    pending = True
    for word, at in marks:
        if at is not None:
            spent = int(max((at - before).total_seconds(), 0) // 60)
            note = _("%(n)d 分") % {"n": spent} if word != _("信号") else ""
            if word == _("行动") and woken:
                note = _("已应 %(n)d 人") % {"n": woken}
            steps.append(LoopStep(word, at, note, "done"))
            before = max(before, at)
        else:
            steps.append(LoopStep(word, None, "", "now" if pending and incident.closed_at is None else ""))
            pending = False
    return steps
