"""What waits for the duty officer, gathered from calls, alarms, tasks and gauges, inside what the actor sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.tasks.queries import visible_tasks
from anlan.base.tasks.rules import OWED, State
from anlan.kernel.actor import Actor
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.queries import open_alarms
from anlan.loop.alarms.rules import State as AlarmState
from anlan.loop.calls.models import Call
from anlan.loop.calls.rules import OPEN, STAGE_WORDS, WOKEN, Kind, Stage
from anlan.loop.sensing.queries import device_states, latest_values
from anlan.ui.language import say
from anlan.ui.words import span

from .rules import Item, ordered, share

ACKNOWLEDGE_WITHIN = timedelta(minutes=5)
SIGN_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True)
class Row:
    """An item as the queue draws it."""

    item: Item
    css: str
    percent: int


@dataclass(frozen=True)
class Tiles:
    """The four figures, each with its denominator."""

    late: int
    waiting: int
    woken: int
    targets: int
    people_open: int
    people_total: int
    known: int
    gauges: int


def queue(actor: Actor, now: datetime) -> list[Row]:
    """Everything that waits, in the desk's order."""
    items = [*_calls(actor), *_alarms(actor, now), *_tasks(actor), *_silent(actor, now)]
    return [_row(item, now) for item in ordered(items, now)]


def _row(item: Item, now: datetime) -> Row:
    percent = share(item, now)
    if item.kind == "silent":
        return Row(item, "unknown", 100)
    late = item.due_at is not None and item.due_at < now
    soon = item.due_at is not None and (item.due_at - now).total_seconds() < 1200
    return Row(item, "late" if late else "soon" if soon else "", percent)


def _calls(actor: Actor) -> Iterator[Item]:
    if not actor.may("calls.read"):
        return
    calls = (
        Call.objects.visible_to(actor)
        .filter(stage__in=[stage.value for stage in OPEN], kind=Kind.TARGET.value, campaign__closed_at=None)
        .select_related("campaign", "person", "door_task", "post")
    )
    for call in calls:
        door = call.door_task if call.stage == Stage.AT_DOOR else None
        who = call.person.masked_name if call.person else _("岗位缺人")
        at_door = door is not None
        yield Item(
            kind="door" if at_door else "call",
            level=call.campaign.level,
            title=_("%(post)s %(who)s 没有叫醒") % {"post": "、".join(call.posts), "who": who},
            why=say(STAGE_WORDS[Stage(call.stage)]) + (f" · {door.number}" if door else ""),
            people=call.people_at_risk,
            due_at=door.deadline if door else call.t_wake_at,
            since=call.opened_at,
            url=reverse("call-board", args=[call.campaign.number]),
            act=_("看叫应板") if at_door else _("派人上门"),
            post_url="" if at_door else reverse("call-act", args=[call.id, "door"]),
            ask=_("派人上门叫醒 %(who)s（%(where)s，名下 %(n)d 人受威胁）？")
            % {"who": who, "where": "、".join(call.posts), "n": call.people_at_risk},
        )


def _alarms(actor: Actor, now: datetime) -> Iterator[Item]:
    if not actor.may("alarms.read"):
        return
    for alarm in open_alarms(actor).exclude(incident=None):
        assert alarm.incident is not None
        url = reverse("incident", args=[alarm.incident.number])
        if alarm.state is AlarmState.EASED:
            since = alarm.eased_at or now
            yield Item(
                "eased", alarm.level, _("%(place)s 已缓和，待签字解除") % {"place": alarm.place.name},
                _("雨量已回落到解除指标以下，确认现场无险情后签字"), alarm.people_at_risk, since + SIGN_WITHIN, since,
                url, _("看事件"),
            )  # fmt: skip
        elif alarm.acknowledged_at is None:
            yield Item(
                "alarm", alarm.level, f"{alarm.place.name} {say(alarm.facts.title)}",
                _evidence(alarm), alarm.people_at_risk, alarm.level_at + ACKNOWLEDGE_WITHIN, alarm.level_at, url,
                _("确认"), reverse("alarm-act", args=[alarm.id, "acknowledge"]),
            )  # fmt: skip


def _evidence(alarm: Alarm) -> str:
    facts = alarm.evidence
    if "value" in facts and "limit" in facts:
        return _("%(gauge)s %(span)s %(value)s ≥ %(limit)s %(unit)s") % {
            "gauge": facts.get("gauge", ""), "span": span(str(facts.get("span", ""))), "value": facts["value"],
            "limit": facts["limit"], "unit": facts.get("unit", ""),
        }  # fmt: skip
    return say(alarm.facts.title)


def _tasks(actor: Actor) -> Iterator[Item]:
    if not actor.may("tasks.verify"):
        return
    owed = [state.value for state in OWED]
    waiting = visible_tasks(actor).open().exclude(kind="door", state__in=owed)  # a door shows as its call
    for task in waiting.select_related("assignee_person"):
        submitted = task.state == State.SUBMITTED
        yield Item(
            "task", 0, task.title, _("已提交，待核验") if submitted else task.number, task.people_at_risk,
            task.deadline, task.submitted_at or task.assigned_at, reverse("task", args=[task.id]),
            _("核验") if submitted else _("看任务"),
        )  # fmt: skip


def _silent(actor: Actor, now: datetime) -> Iterator[Item]:
    if not actor.may("sensing.read"):
        return
    for value in latest_values(actor, now):
        if not value.known and value.at is not None:
            yield Item(
                "silent", 0, _("%(code)s 没有数据") % {"code": value.place_code},
                _("按未知处理，不当作没有雨"), 0, None, value.at,
                reverse("place", args=[value.place_code]), _("看站点"),
            )  # fmt: skip


def tiles(actor: Actor, rows: list[Row], now: datetime) -> Tiles:
    """The figures above the queue."""
    targets: list[str] = []
    if actor.may("calls.read"):
        found = Call.objects.visible_to(actor).filter(kind=Kind.TARGET.value, campaign__closed_at=None)
        targets = list(found.exclude(stage=Stage.SUPERSEDED.value).values_list("stage", flat=True))
    alarms = list(open_alarms(actor).exclude(incident=None))
    at_risk = {alarm.place_id: alarm.people_at_risk for alarm in alarms}
    unacknowledged = {alarm.place_id for alarm in alarms if alarm.acknowledged_at is None}
    states = device_states(actor, now).values() if actor.may("sensing.read") else []
    return Tiles(
        late=sum(1 for row in rows if row.css == "late"),
        waiting=len(rows),
        woken=sum(1 for stage in targets if stage in WOKEN),
        targets=len(targets),
        people_open=sum(n for place, n in at_risk.items() if place in unacknowledged),
        people_total=sum(at_risk.values()),
        known=sum(1 for state in states if state.known),
        gauges=len(states),
    )
