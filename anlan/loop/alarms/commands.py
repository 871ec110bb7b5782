"""The only writers of alarms and incidents. Raising is idempotent under (rule, place, mode, raised_at)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from django.db import IntegrityError, transaction

from anlan.base.journal.commands import command, record
from anlan.base.journal.numbers import next_number
from anlan.base.places.models import Place
from anlan.base.places.queries import area_names, full_name
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict, Invalid

from . import rules
from .models import Alarm, Incident
from .packs import gather_of, hazard_title
from .rules import RuleFacts, State


def alarm_key(rule: str, place: Place, mode: str, raised_at: datetime) -> str:
    """The idempotency key of a raise."""
    return f"{rule}|{place.id}|{mode}|{raised_at.astimezone(UTC):%Y%m%dT%H%M%S%f}"


@command("alarms.raise")
def raise_alarm(
    actor: Actor,
    *,
    rule: RuleFacts,
    place: Place,
    level: int,
    true_at: datetime,
    known_at: datetime,
    evidence: Mapping[str, object],
    now: datetime,
) -> Alarm:
    """Open an alarm at a level (1–4), or step the one that is open for this rule, place and mode.

    Repeating the same raise changes nothing: a replay after a crash may call this for what is already there.
    """
    key = alarm_key(rule.urn, place, actor.mode, true_at)
    known = Alarm.objects.filter(key=key).first()
    if known is not None:
        return known
    open_key = f"{rule.urn}|{place.id}|{actor.mode}"
    standing = Alarm.objects.filter(open_key=open_key).first()
    if standing is None:
        try:
            with transaction.atomic():
                return _open(actor, key, open_key, rule, place, level, true_at, known_at, evidence, now)
        except IntegrityError:
            standing = Alarm.objects.filter(open_key=open_key).first()
            if standing is None:  # nobody was quicker: the row itself was refused
                raise
    return _step(actor, standing, level, true_at, evidence, now)


def _open(
    actor: Actor,
    key: str,
    open_key: str,
    rule: RuleFacts,
    place: Place,
    level: int,
    true_at: datetime,
    known_at: datetime,
    evidence: Mapping[str, object],
    now: datetime,
) -> Alarm:
    alarm = Alarm(
        key=key,
        open_key=open_key,
        rule=rule.urn,
        rule_frozen=asdict(rule),
        place=place,
        area_code=place.area_code,
        level=level,
        judged_level=level,
        peak_level=level,
        people_at_risk=place.people_at_risk,
        evidence=dict(evidence),
        raised_at=true_at,
        known_at=known_at,
        level_at=true_at,
        mode=actor.mode,
    )
    alarm.incident = _incident_for(actor, rule, place, level, true_at, now)
    alarm.save(force_insert=True)
    _record(actor, "alarms.raised", alarm, now, {"true_at": true_at.isoformat(), "evidence": dict(evidence)})
    _refresh(alarm.incident, now)
    return alarm


def _incident_for(
    actor: Actor, rule: RuleFacts, place: Place, level: int, at: datetime, now: datetime
) -> Incident | None:
    gather = gather_of(rule.hazard)
    if gather is None:
        return None
    standing = Incident.objects.filter(mode=actor.mode, hazard=rule.hazard).open()
    facts = [rules.OpenIncident(i.id, i.hazard, i.area_code, i.last_alarm_at) for i in standing]
    joined = rules.gather_into(gather, rule.hazard, place.area_code, at, facts)
    if joined is not None:
        Incident.objects.filter(id=joined, last_alarm_at__lt=at).update(last_alarm_at=at)
        return Incident.objects.get(id=joined)
    area = place.area_code[: gather.digits]
    incident = Incident.objects.create(
        number=next_number("SJ", now),
        title=f"{full_name(area, area_names({area}))}{hazard_title(rule.hazard)}",
        hazard=rule.hazard,
        area_code=area,
        level=level,
        peak_level=level,
        opened_at=now,
        last_alarm_at=at,
        mode=actor.mode,
    )
    record(
        actor,
        "incidents.opened",
        subject=f"incident:{incident.id}",
        now=now,
        area=area,
        case=incident.id,
        data={"incident": str(incident.id), "level": level, "hazard": rule.hazard},
    )
    return incident


@command("alarms.step_level")
def step_level(
    actor: Actor, alarm: Alarm, *, level: int, true_at: datetime, evidence: Mapping[str, object], now: datetime
) -> Alarm:
    """The kernel judged another level (1–4) for an open alarm."""
    return _step(actor, alarm, level, true_at, evidence, now)


def _step(
    actor: Actor, alarm: Alarm, level: int, true_at: datetime, evidence: Mapping[str, object], now: datetime
) -> Alarm:
    facts = alarm.facts
    decided = rules.step(alarm.state, alarm.level, level, needs_signature=facts.needs_signature(alarm.level))
    changes: dict[str, object] = {"judged_level": level, "level": decided.level}
    if decided.level != alarm.level:
        changes |= {"level_at": true_at, "evidence": dict(evidence), "peak_level": max(alarm.peak_level, level)}
    if decided.void_acknowledgement:
        changes |= {"acknowledged_at": None, "acknowledged_by": ""}
    if decided.resume:
        changes["eased_at"] = None
    _update(alarm, changes)
    if decided.word:
        _record(actor, decided.word, alarm, now, {"true_at": true_at.isoformat(), "evidence": dict(evidence)})
        _refresh(alarm.incident, now)
    return alarm


@command("alarms.ease")
def ease(actor: Actor, alarm: Alarm, *, true_at: datetime, now: datetime) -> Alarm:
    """The readings fell under the clear limit: clears where that is automatic, else waits for a signature."""
    if alarm.state is not State.ACTIVE:
        return alarm
    if alarm.facts.needs_signature(alarm.level):
        _update(alarm, {"eased_at": true_at, "judged_level": 0})
        _record(actor, "alarms.eased", alarm, now, {"true_at": true_at.isoformat()})
        return alarm
    return _clear(actor, alarm, true_at, now, "")


@command("alarms.acknowledge", permission="alarms.acknowledge")
def acknowledge(actor: Actor, alarm: Alarm, *, now: datetime) -> Alarm:
    """A person has seen this level. Counts for this level only."""
    actor.require_area(alarm.area_code)
    if alarm.state is State.CLEARED:
        raise Conflict("alarms.cleared", "警情已解除，不用再确认")
    if alarm.acknowledged_at is None:
        _update(alarm, {"acknowledged_at": now, "acknowledged_by": actor.label})
        _record(actor, "alarms.acknowledged", alarm, now)
    return alarm


@command("alarms.clear", permission="alarms.clear")
def clear(actor: Actor, alarm: Alarm, *, reason: str = "", now: datetime) -> Alarm:
    """Sign the lifting. Of an alarm that is still active only with a reason. Raises Conflict, Invalid."""
    actor.require_area(alarm.area_code)
    if alarm.state is State.CLEARED:
        raise Conflict("alarms.cleared", "警情已解除")
    if alarm.state is State.ACTIVE and not reason.strip():
        raise Invalid("reason", "指标还没有回落，提前解除要写明原因")
    return _clear(actor, alarm, now, now, reason)


def _clear(actor: Actor, alarm: Alarm, cleared_at: datetime, now: datetime, reason: str) -> Alarm:
    _update(
        alarm,
        {
            "cleared_at": cleared_at,
            "cleared_by": actor.label,
            "judged_level": 0,
            "open_key": None,
            "note": reason[:240],
        },
    )
    _record(actor, "alarms.cleared", alarm, now, {"true_at": cleared_at.isoformat()})
    _refresh(alarm.incident, now)
    return alarm


@command("alarms.annotate")
def annotate(actor: Actor, alarm: Alarm, *, note: str, now: datetime) -> Alarm:
    """A late reading took back a raise: it is noted, never deleted."""
    _update(alarm, {"note": note[:240]})
    _record(actor, "alarms.annotated", alarm, now)
    return alarm


@command("incidents.close", permission="incidents.close")
def close_incident(actor: Actor, incident: Incident, *, note: str, now: datetime) -> Incident:
    """Sign the end: lifts the eased alarms and closes. Raises Conflict naming alarms still active, Invalid."""
    actor.require_area(incident.area_code)
    if not note.strip():
        raise Invalid("note", "关闭事件要写一句结论")
    alarms = list(incident.alarms.open().select_related("place"))
    rules.check_closable(alarm.place.name for alarm in alarms if alarm.state is State.ACTIVE)
    for alarm in alarms:
        _clear(actor, alarm, now, now, note)
    closed = Incident.objects.filter(id=incident.id, closed_at__isnull=True).update(
        closed_at=now, closed_by=actor.label, closing_note=note[:240]
    )
    if closed != 1:
        raise Conflict("incidents.closed", "事件已被关闭", "请刷新后再看")
    incident.refresh_from_db()
    record(
        actor,
        "incidents.closed",
        subject=f"incident:{incident.id}",
        now=now,
        area=incident.area_code,
        case=incident.id,
        data={"incident": str(incident.id), "level": incident.peak_level},
    )
    return incident


def _refresh(incident: Incident | None, now: datetime) -> None:
    """Bring an incident's level and people at risk up to its open alarms; people of one place count once."""
    if incident is None:
        return
    alarms = list(incident.alarms.select_related("place"))
    level = max((alarm.level for alarm in alarms if alarm.cleared_at is None), default=0)
    people = sum({alarm.place_id: alarm.people_at_risk for alarm in alarms}.values())
    incident.level, incident.people_at_risk = level, people
    incident.peak_level = max([incident.peak_level, *(alarm.peak_level for alarm in alarms)])
    incident.save(update_fields=["level", "people_at_risk", "peak_level"])


def _update(alarm: Alarm, changes: dict[str, object]) -> None:
    """Conditional UPDATE that names what the decision was made on."""
    if (
        Alarm.objects.filter(
            pk=alarm.pk,
            level=alarm.level,
            eased_at=alarm.eased_at,
            cleared_at=alarm.cleared_at,
            acknowledged_at=alarm.acknowledged_at,
        ).update(**changes)
        != 1
    ):
        raise Conflict("alarms.changed", "警情刚被改过", "请刷新后再看")
    for name, value in changes.items():
        setattr(alarm, name, value)


def _record(actor: Actor, kind: str, alarm: Alarm, now: datetime, data: Mapping[str, object] | None = None) -> None:
    record(
        actor,
        kind,
        subject=f"alarm:{alarm.id}",
        now=now,
        area=alarm.area_code,
        place=alarm.place_id,
        case=alarm.incident_id,
        data={
            "alarm": str(alarm.id),
            "incident": str(alarm.incident_id) if alarm.incident_id else None,
            "place": str(alarm.place_id),
            "level": alarm.level,
            "rule": alarm.rule,
            "people_at_risk": alarm.people_at_risk,
            **(data or {}),
        },
    )
