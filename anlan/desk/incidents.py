"""One incident as the loop: steps with their minutes, the timeline, what should happen now. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from anlan.base.journal.models import Entry
from anlan.base.journal.references import kind_words
from anlan.base.tasks.models import Task
from anlan.base.tasks.queries import visible_tasks
from anlan.kernel.actor import Actor
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.queries import timeline, visible_alarms
from anlan.loop.alarms.rules import State
from anlan.loop.calls.models import Campaign

LINES_SHOWN = 200
GLYPHS = {"alarms": "rain", "incidents": "bell", "calls": "phone", "tasks": "walk"}


@dataclass(frozen=True)
class LoopStep:
    """One of the seven words of the loop. css: done, now or "" (still to come)."""

    word: str
    at: datetime | None
    note: str
    css: str


@dataclass(frozen=True)
class Line:
    """One journal line of the timeline."""

    at: datetime
    glyph: str
    words: str
    detail: str
    level: int


@dataclass(frozen=True)
class Picture:
    """Everything the incident page shows."""

    incident: Incident
    alarms: list[Alarm]
    campaigns: list[Campaign]
    tasks: list[Task]
    steps: list[LoopStep]
    lines: list[Line]
    may_close: bool
    still_active: int


def picture(actor: Actor, incident: Incident, now: datetime) -> Picture:
    """Gather an incident for an actor, within what the actor sees."""
    alarms = list(visible_alarms(actor).filter(incident=incident).order_by("-level", "-people_at_risk"))
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
        alarms=alarms,
        campaigns=campaigns,
        tasks=tasks,
        steps=_steps(incident, entries),
        lines=_lines(entries, {str(alarm.id): alarm.place.name for alarm in alarms})[-LINES_SHOWN:],
        may_close=incident.closed_at is None and active == 0,
        still_active=active,
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


def _lines(entries: list[Entry], places: dict[str, str]) -> list[Line]:
    found = []
    for entry in entries:
        data = entry.data
        evidence = data.get("evidence") or {}
        parts = [places.get(str(data.get("alarm", "")), "")]
        if "value" in evidence:
            parts.append(f"{evidence.get('span', '')} {evidence['value']} ≥ {evidence.get('limit', '')}")
        parts += [str(data[name]) for name in ("outcome", "reason", "number") if data.get(name)]
        level = int(data.get("level") or 0) if entry.kind.startswith(("alarms.", "calls.opened")) else 0
        glyph = GLYPHS.get(entry.kind.split(".")[0], "clock")
        found.append(Line(entry.happened_at, glyph, kind_words(entry.kind), " · ".join(filter(None, parts)), level))
    return found
