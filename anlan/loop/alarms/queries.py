"""Reads of alarms and incidents, inside what the actor sees."""

from anlan.base.journal.models import Entry, EntryQuerySet
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.errors import NotFound
from anlan.kernel.judging.plan import limit_of
from anlan.kernel.modes import LEVEL_BY_NAME

from .judging import facts_of_place
from .models import Alarm, AlarmQuerySet, Incident, IncidentQuerySet
from .rulebook import rules


def visible_alarms(actor: Actor) -> AlarmQuerySet:
    return Alarm.objects.visible_to(actor).select_related("place", "incident")


def open_alarms(actor: Actor) -> AlarmQuerySet:
    """Open alarms, the most people at the highest level first."""
    return visible_alarms(actor).open().order_by("-level", "-people_at_risk", "raised_at")


def visible_incidents(actor: Actor) -> IncidentQuerySet:
    return Incident.objects.visible_to(actor)


def alarm(actor: Actor, alarm_id: str) -> Alarm:
    """One alarm. Raises NotFound where the actor does not see it."""
    found = visible_alarms(actor).filter(id=alarm_id).first()
    if found is None:
        raise NotFound("alarms.not_found", "没有这条警情，或不在您的辖区内")
    return found


def incident(actor: Actor, number: str) -> Incident:
    """One incident by number. Raises NotFound where the actor does not see it."""
    found = visible_incidents(actor).filter(number=number).first()
    if found is None:
        raise NotFound("incidents.not_found", f"没有事件 {number}，或不在您的辖区内")
    return found


def timeline(actor: Actor, incident: Incident) -> EntryQuerySet:
    """The loop of one incident: its sealed journal lines in order."""
    return Entry.objects.visible_to(actor).filter(case_id=incident.id).sealed()


def limits_of(place: Place, metric: str, operator: str = "sum") -> dict[str, list[tuple[int, float]]]:
    """What a place is judged by: span → (level, limit in the metric's unit), the lowest level first. Empty = nothing.

    Rules on trial are left out: they raise nothing.
    """
    facts = facts_of_place(place)
    found: dict[str, list[tuple[int, float]]] = {}
    for pack in rules().values():
        if (pack.status, pack.applies_to, pack.metric, pack.operator) != ("stable", place.kind, metric, operator):
            continue
        for level in pack.levels:
            for span in pack.spans:
                limit = limit_of(level, facts, span)
                if limit is not None:
                    found.setdefault(span, []).append((LEVEL_BY_NAME[level.level], limit))
    return {span: sorted(levels) for span, levels in found.items()}
