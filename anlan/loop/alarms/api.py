"""Alarms and incidents over HTTP, with the acts of their pages."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query, Schema
from pydantic import Field

from anlan.base.journal.models import Entry
from anlan.base.journal.references import kind_words
from anlan.ui.api import REFUSALS, Body, ListQuery, Paged, Problem, StrictRouter, listed
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from . import commands
from .models import Alarm, Incident
from .queries import alarm, incident, timeline, visible_alarms, visible_incidents
from .rules import State

router = StrictRouter()
LEVEL = "1 blue, 2 yellow, 3 orange, 4 red; 0 = none in force"


class AlarmOut(Schema):
    """A signal judged to matter."""

    id: UUID
    rule: str = Field(description="URN of the rule that raised it")
    title: str
    hazard: str
    place: str = Field(description="code")
    place_name: str
    area_code: str
    incident: str = Field(description="number; empty = of no incident")
    state: State
    state_word: str
    level: int = Field(description=LEVEL)
    peak_level: int = Field(description=LEVEL)
    people_at_risk: int = Field(description="persons")
    evidence: dict[str, Any] = Field(description="value, limit, unit and span that the rule saw")
    raised_at: datetime = Field(description="event time")
    known_at: datetime
    level_at: datetime = Field(description="when the level in force began")
    acknowledged_at: datetime | None = Field(description="of this level; null = nobody has seen it")
    eased_at: datetime | None
    cleared_at: datetime | None
    note: str


class AlarmQuery(ListQuery):
    state: Literal["open", "active", "eased", "cleared"] | None = None
    level: int | None = Field(None, ge=1, le=4, description=LEVEL)
    place: str = Field("", description="code")
    incident: str = Field("", description="number")
    area: str = Field("", description="code of an area; its whole subtree is meant")
    acknowledged: bool | None = None


class IncidentOut(Schema):
    """One happening: what gathers its alarms, calls and tasks."""

    id: UUID
    number: str
    title: str
    hazard: str
    area_code: str
    level: int = Field(description=LEVEL)
    peak_level: int = Field(description=LEVEL)
    people_at_risk: int = Field(description="persons; those of one place count once")
    opened_at: datetime
    last_alarm_at: datetime
    closed_at: datetime | None
    closing_note: str


class LineOut(Schema):
    """A sealed journal line of an incident."""

    offset: int
    at: datetime
    kind: str
    words: str
    subject: str
    data: dict[str, Any]


class IncidentDetail(IncidentOut):
    alarms: list[AlarmOut]
    timeline: list[LineOut]


class IncidentQuery(ListQuery):
    open: bool | None = None
    hazard: str = ""
    area: str = Field("", description="code of an area; its whole subtree is meant")


class ClearBody(Body):
    reason: str = Field("", max_length=240, description="must not be empty while the alarm is still active")


class CloseBody(Body):
    note: str = Field("", max_length=240, description="the conclusion; must not be empty")


@router.get("/alarms", response={200: Paged[AlarmOut], REFUSALS: Problem}, summary="Alarms")
def alarms(request: ActorRequest, query: Query[AlarmQuery]) -> Paged[AlarmOut]:
    """Needs alarms.read. Sorts: level, people, raised. First: the highest level, then most people at risk."""
    request.actor.require("alarms.read")
    found: QuerySet[Alarm] = visible_alarms(request.actor).filter(area_code__startswith=query.area)
    if query.state:
        found = found.filter(cleared_at__isnull=query.state != "cleared")
    if query.state in ("active", "eased"):
        found = found.filter(eased_at__isnull=query.state == "active")
    if query.acknowledged is not None:
        found = found.filter(acknowledged_at__isnull=not query.acknowledged)
    for name, value in (("level", query.level), ("place__code", query.place), ("incident__number", query.incident)):
        if value:
            found = found.filter(**{name: value})
    sorts = {"level": "level", "people": "people_at_risk", "raised": "raised_at"}
    return listed(found, query, _alarm, sorts=sorts, order=["-level", "-people_at_risk", "raised_at"])


@router.get("/alarms/{uuid:alarm_id}", response={200: AlarmOut, REFUSALS: Problem}, summary="One alarm")
def alarm_detail(request: ActorRequest, alarm_id: UUID) -> AlarmOut:
    """Needs alarms.read."""
    request.actor.require("alarms.read")
    return _alarm(alarm(request.actor, str(alarm_id)))


@router.post("/alarms/{uuid:alarm_id}/acknowledge", response={200: AlarmOut, REFUSALS: Problem}, summary="Acknowledge")
def acknowledge(request: ActorRequest, alarm_id: UUID) -> AlarmOut:
    """Say that this level has been seen."""
    return _alarm(commands.acknowledge(request.actor, alarm(request.actor, str(alarm_id)), now=request.now))


@router.post("/alarms/{uuid:alarm_id}/clear", response={200: AlarmOut, REFUSALS: Problem}, summary="Sign the lifting")
def clear(request: ActorRequest, alarm_id: UUID, body: ClearBody) -> AlarmOut:
    """Lift; of an alarm that has not eased only with the reason."""
    found = alarm(request.actor, str(alarm_id))
    return _alarm(commands.clear(request.actor, found, reason=body.reason, now=request.now))


@router.get("/incidents", response={200: Paged[IncidentOut], REFUSALS: Problem}, summary="Incidents")
def incidents(request: ActorRequest, query: Query[IncidentQuery]) -> Paged[IncidentOut]:
    """Needs alarms.read. Sorts: level, people, opened, closed. First: the highest level, then most people at risk."""
    request.actor.require("alarms.read")
    found: QuerySet[Incident] = visible_incidents(request.actor).filter(area_code__startswith=query.area)
    if query.open is not None:
        found = found.filter(closed_at__isnull=query.open)
    if query.hazard:
        found = found.filter(hazard=query.hazard)
    sorts = {"level": "level", "people": "people_at_risk", "opened": "opened_at", "closed": "closed_at"}
    return listed(found, query, IncidentOut.model_validate, sorts=sorts, order=["-level", "-people_at_risk"])


@router.get("/incidents/{number}", response={200: IncidentDetail, REFUSALS: Problem}, summary="One incident")
def incident_detail(request: ActorRequest, number: str) -> IncidentDetail:
    """With its alarms and its timeline. Needs alarms.read."""
    request.actor.require("alarms.read")
    found = incident(request.actor, number)
    members = visible_alarms(request.actor).filter(incident=found).order_by("-level", "-people_at_risk")
    return IncidentDetail(
        **IncidentOut.model_validate(found).model_dump(),
        alarms=[_alarm(one) for one in members],
        timeline=[_line(entry) for entry in timeline(request.actor, found)],
    )


@router.post("/incidents/{number}/close", response={200: IncidentOut, REFUSALS: Problem}, summary="Close")
def close(request: ActorRequest, number: str, body: CloseBody) -> IncidentOut:
    """Sign the end; 409 names the alarms that are still active."""
    found = incident(request.actor, number)
    closed = commands.close_incident(request.actor, found, note=body.note, now=request.now)
    return IncidentOut.model_validate(closed)


def _alarm(one: Alarm) -> AlarmOut:
    facts = one.facts
    return AlarmOut(
        id=one.id, rule=one.rule, title=say(facts.title), hazard=facts.hazard, place=one.place.code,
        place_name=one.place.name, area_code=one.area_code, incident=one.incident.number if one.incident else "",
        state=one.state, state_word=say(one.state_word), level=one.level, peak_level=one.peak_level,
        people_at_risk=one.people_at_risk, evidence=one.evidence, raised_at=one.raised_at, known_at=one.known_at,
        level_at=one.level_at, acknowledged_at=one.acknowledged_at, eased_at=one.eased_at,
        cleared_at=one.cleared_at, note=one.note,
    )  # fmt: skip


def _line(entry: Entry) -> LineOut:
    return LineOut(
        offset=entry.offset or 0, at=entry.happened_at, kind=entry.kind, words=kind_words(entry.kind),
        subject=entry.subject, data=entry.data,
    )  # fmt: skip
