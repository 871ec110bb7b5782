"""The only writers of campaigns, calls and attempts: opening, growing, what people press, and what officers steer."""

from datetime import datetime, timedelta

from anlan.base.journal.commands import command, record
from anlan.base.journal.numbers import next_number
from anlan.base.people.models import Person, Post
from anlan.base.people.queries import answers_for, posts_for
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.errors import Conflict, Invalid
from anlan.kernel.ladders import CallLadder, CallRung, LevelName
from anlan.kernel.modes import LEVEL_NAMES, Mode
from anlan.loop.alarms.models import Alarm, Incident

from . import packs, rules
from .models import Attempt, Call, Campaign, Want
from .queries import on_duty
from .rules import Kind, Line, Outcome, Stage


def level_name(level: int) -> LevelName:
    name = LEVEL_NAMES[level]
    if name not in ("blue", "yellow", "orange", "red"):
        raise Invalid("level", f"叫应级别应为蓝、黄、橙、红，得到 {level}")
    return name  # type: ignore[return-value]


@command("calls.open_campaign")
def open_campaign(actor: Actor, alarm: Alarm, *, now: datetime) -> Campaign | None:
    """Want the alarm's persons to be called; the worker expands it. None: this hazard and level rings nobody up.

    Idempotent: one campaign per incident (or lone alarm) and level, one want per campaign and alarm.
    """
    ladder = packs.ladder_for(str(alarm.facts.hazard))
    if ladder is None or not ladder.levels[level_name(alarm.level)].dial or alarm.cleared_at is not None:
        return None
    incident = alarm.incident
    campaign = start(
        actor,
        f"{'incident' if incident else 'alarm'}:{incident.id if incident else alarm.id}:{alarm.level}",
        incident=incident,
        title=incident.title if incident else alarm.facts.title,
        hazard=alarm.facts.hazard,
        area_code=incident.area_code if incident else alarm.area_code,
        level=alarm.level,
        ladder=ladder,
        message=packs.message_for(alarm.facts.hazard),
        now=now,
    )
    Want.objects.update_or_create(campaign=campaign, alarm=alarm, defaults={"due_at": now, "lease_until": None})
    return campaign


def start(
    actor: Actor,
    origin: str,
    *,
    incident: Incident | None,
    title: str,
    hazard: str,
    area_code: str,
    level: int,
    ladder: CallLadder,
    message: packs.MessagePack,
    now: datetime,
) -> Campaign:
    """The campaign of an origin, made with the ladder as it is now, or opened again. Inside a command."""
    campaign, made = Campaign.objects.get_or_create(
        origin=origin,
        defaults={
            "number": "",
            "incident": incident,
            "title": title[:120],
            "hazard": hazard,
            "area_code": area_code,
            "level": level,
            "ladder": ladder.levels[level_name(level)].model_dump(mode="json"),
            "ladder_ref": ladder.ref,
            "message_ref": message.ref,
            "opened_at": now,
            "opened_by": actor.label,
            "mode": actor.mode,
        },
    )
    if made:
        campaign.number = next_number("JY", now)
        campaign.save(update_fields=["number"])
        note(actor, "calls.opened", campaign, None, now)
    elif campaign.closed_at is not None:
        Campaign.objects.filter(pk=campaign.pk).update(closed_at=None, end="")
    return campaign


@command("calls.expand")
def expand(actor: Actor, want: Want, *, now: datetime) -> int:
    """Turn a want into calls: one per person, whatever number of posts. Returns how many persons it concerns."""
    campaign, alarm = want.campaign, want.alarm
    found = posts_for(alarm.place.area_code, campaign.rung.targets, Mode(campaign.mode))
    for post in found:
        _target(actor, campaign, alarm, post, now)
    Want.objects.filter(pk=want.pk).update(due_at=None, lease_until=None)
    _close_below(actor, campaign, now)
    return len(found)


def _close_below(actor: Actor, campaign: Campaign, now: datetime) -> None:
    """A lower campaign of the incident in which nobody is called any more is over: its answers count for nothing."""
    if campaign.incident is None:
        return
    below = Campaign.objects.open().filter(incident=campaign.incident, level__lt=campaign.level, mode=campaign.mode)
    for lower in below.exclude(hazard=""):
        if not lower.calls.open().exists() and not lower.wants.exclude(due_at=None).exists():
            close(actor, lower, "superseded", now)


def _target(actor: Actor, campaign: Campaign, alarm: Alarm, post: Post, now: datetime) -> None:
    call = ensure_call(actor, campaign, Kind.TARGET, answers_for(post, now), post, now)
    place = alarm.place
    if not call.places.filter(pk=place.pk).exists():
        call.places.add(place)
        changes: dict[str, object] = {
            "people_at_risk": call.people_at_risk + place.people_at_risk,
            "households": call.households + place.households,
            "place": call.place or place,
        }
        if call.stage in rules.EDGES["renew"][0]:
            rung = campaign.rung
            opened = now + timedelta(seconds=rung.gather_s)
            changes |= {"stage": rules.move("renew", call.stage).value, "opened_at": opened, "ended_at": None}
            changes |= {"t_wake_at": opened + timedelta(seconds=rung.t_wake_s), "widened_at": None, "due_at": opened}
            call.chain.all().delete()
        Call.objects.filter(pk=call.pk).update(**changes)
        call.refresh_from_db()
    lower = (
        Call.objects.open()
        .filter(
            person=call.person, post=call.post, campaign__incident=campaign.incident, campaign__level__lt=campaign.level
        )
        .exclude(campaign__hazard="")
    )
    for old in lower.filter(mode=campaign.mode).exclude(campaign__incident=None):
        end(actor, old, "supersede", now, reason="级别升高")


def ensure_call(actor: Actor, campaign: Campaign, kind: Kind, person: Person | None, post: Post, now: datetime) -> Call:
    """The call of a person in a campaign, made if need be; a further post of the same person is added to it."""
    rung: CallRung = campaign.rung
    key = f"{campaign.id}:{person.id if person else f'post:{post.id}'}"
    call, made = Call.objects.get_or_create(
        key=key,
        defaults={
            "campaign": campaign,
            "kind": kind.value,
            "person": person,
            "post": post,
            "area_code": post.area_code,
            "stage": Stage.CALLING.value,
            "due_at": now,
            "opened_at": now,
            "t_wake_at": now + timedelta(seconds=rung.t_wake_s),
            "mode": campaign.mode,
            "posts": [post.title],
        },
    )
    if not made and post.title not in call.posts:
        call.posts = [*call.posts, post.title]
        call.save(update_fields=["posts"])
    if made:
        note(actor, "calls.queued", campaign, call, now)
    return call


def lock(call: Call) -> Call:
    """The row as it is now, held until the transaction ends (SQLite: the whole file already is)."""
    return (
        Call.objects.select_for_update(of=("self",))
        .select_related("campaign", "person", "post", "place")
        .get(pk=call.pk)
    )


def end(actor: Actor, call: Call, act: str, now: datetime, *, reason: str = "") -> None:
    """Leave the open stages by an edge; the calls that wait for this one look again. Inside a command."""
    stage = rules.move(act, call.stage)
    moved = Call.objects.filter(pk=call.pk, stage=call.stage).update(
        stage=stage.value, due_at=None, ended_at=now, reason=reason[:240], lease_until=None, hurry=False, ask=False
    )
    if moved != 1:
        raise Conflict("calls.changed", "这通叫应刚被改过", "请刷新后再看")
    call.stage = stage.value
    note(actor, f"calls.{stage.value}", call.campaign, call, now)
    Call.objects.open().filter(chain__child=call).update(due_at=now)
    if act in ("acknowledge", "cancel", "supersede", "give_up") and call.door_task is not None:
        task = Task.objects.get(pk=call.door_task.pk)
        if task.state in ("assigned", "accepted", "returned"):
            tasks.cancel(system_actor("calls", Mode(call.mode)), task, reason="已不用上门", now=now)


def close(actor: Actor, campaign: Campaign, how: str, now: datetime, reason: str = "") -> None:
    """End a campaign and every call of it that is still open. Inside a command."""
    for call in campaign.calls.open().select_related("campaign", "door_task"):
        end(actor, call, "cancel", now, reason=reason or how)
    if Campaign.objects.filter(pk=campaign.pk, closed_at__isnull=True).update(closed_at=now, end=how):
        note(actor, "calls.closed", campaign, None, now)
    campaign.refresh_from_db()


@command("calls.lift")
def lift(actor: Actor, campaign: Campaign, *, now: datetime) -> None:
    """The alarms behind a campaign are over: the rest is not called any more."""
    close(actor, campaign, "lifted", now, "警情已解除")


@command("calls.door_done")
def door_done(actor: Actor, call: Call, *, now: datetime) -> None:
    """The proof from the door came in."""
    call = lock(call)
    if call.stage in rules.OPEN:
        end(actor, call, "reach", now, reason="上门叫醒")


@command("calls.door_returned")
def door_returned(actor: Actor, call: Call, *, now: datetime) -> None:
    """The proof from the door was sent back: the person counts as not reached again."""
    if call.stage == Stage.REACHED:
        stage = rules.move("return_proof", call.stage).value
        Call.objects.filter(pk=call.pk, stage=call.stage).update(stage=stage, due_at=now, ended_at=None)
        note(actor, "calls.proof_returned", call.campaign, call, now)


def to_door(actor: Actor, call: Call, now: datetime) -> None:
    """Give the door task to somebody who is awake. Inside a command."""
    stage = rules.move("door", call.stage)
    campaign, rung = call.campaign, call.campaign.rung
    person, post = _who_goes(call, now)
    task = tasks.assign(
        system_actor("calls", Mode(call.mode)),
        kind="door",
        title=f"上门叫应：{'、'.join(call.posts)}"[:120],
        text=f"电话没有叫醒，请上门叫醒并拍照。{campaign.title}",
        post=post,
        person=person,
        area_code=call.area_code,
        place=call.place,
        case_id=campaign.incident_id,
        origin=f"door:{call.id}:{call.opened_at:%Y%m%d%H%M%S}",
        due_at=max(call.opened_at + timedelta(seconds=rung.door_due_s), now + timedelta(seconds=180)),
        required=list(rung.door_proof),
        people_at_risk=call.people_at_risk,
        now=now,
    )
    Call.objects.filter(pk=call.pk, stage=call.stage).update(stage=stage.value, door_task=task, due_at=now)
    note(actor, "calls.door", campaign, call, now, person=str(person.id) if person else None)


def _who_goes(call: Call, now: datetime) -> tuple[Person | None, Post | None]:
    """Superior or deputy who answered; else whoever of this campaign is awake nearest; else the duty officer.

    Never a person who was not reached: a task in the hands of a sleeper wakes nobody. Where not even a duty officer
    is known, the post above keeps the task, and it stands on the desk without a name.
    """
    links = {link.kind: link.child for link in call.chain.select_related("child__post", "child__person")}
    awake = [child for kind in ("superior", "deputy") if (child := links.get(kind)) and child.stage in rules.WOKEN]
    if not awake:
        others = call.campaign.calls.filter(stage__in=[stage.value for stage in rules.WOKEN]).exclude(person=None)
        near = others.exclude(person=call.person).filter(area_code__startswith=call.area_code[:9])
        awake = sorted(near.select_related("person", "post"), key=lambda c: _distance(c.area_code, call.area_code))
    if awake:
        return awake[0].person, awake[0].post
    if (duty := on_duty(call.area_code, call.mode, now)) is not None:
        return duty
    return None, call.post.superior if call.post else None


def _distance(area: str, other: str) -> tuple[bool, str]:
    """Same village before the rest of the town."""
    return area != other, area


def settle(actor: Actor, attempt: Attempt, facts: rules.AttemptFacts, now: datetime) -> None:
    """Write an attempt's new facts; a confirmed one wakes its call. Inside a command."""
    changes: dict[str, object] = {"line": facts.line.value, "seconds": facts.seconds, "of": facts.of}
    if facts.outcome is not None:
        changes |= {"outcome": facts.outcome.value, "ended_at": facts.ended_at}
    Attempt.objects.filter(pk=attempt.pk).exclude(line=Line.OVER.value).update(**changes)
    call = lock(attempt.call)
    if facts.outcome is not None:
        note(
            actor, "calls.attempt_over", call.campaign, call, now, attempt=str(attempt.id), outcome=facts.outcome.value
        )
        if facts.outcome is Outcome.BAD_NUMBER:
            _mend_number(call, now)
        if facts.outcome is Outcome.CONFIRMED and call.stage in rules.OPEN and attempt.planned_at >= call.opened_at:
            end(actor, call, "acknowledge", now)
            return
    Call.objects.open().filter(pk=call.pk).update(due_at=now)


def _mend_number(call: Call, now: datetime) -> None:
    """A number that does not exist is a task for whoever keeps the list; one open task per person."""
    if call.person is None:
        return
    prefix = f"number:{call.person.id}:"
    if Task.objects.open().filter(origin__startswith=prefix).exists():
        return
    duty = on_duty(call.area_code, call.mode, now)
    tasks.assign(
        system_actor("calls", Mode(call.mode)),
        kind="number",
        title=f"更正电话号码：{'、'.join(call.posts)}"[:120],
        text="拨打时是空号。请查明正确号码，改在人员页上，并写明新号码来自哪里。",
        post=duty[1] if duty else None,
        person=duty[0] if duty else None,
        area_code=call.area_code,
        case_id=call.campaign.incident_id,
        origin=f"{prefix}{call.id}",
        due_at=now + timedelta(days=1),
        required=["text"],
        now=now,
    )


def note(actor: Actor, kind: str, campaign: Campaign, call: Call | None, now: datetime, **data: object) -> None:
    """One journal line of a campaign or a call: ids and numbers only."""
    record(
        actor,
        kind,
        subject=f"call:{call.id}" if call else f"campaign:{campaign.id}",
        now=now,
        area=call.area_code if call else campaign.area_code,
        place=call.place_id if call else None,
        case=campaign.incident_id,
        data={"campaign": str(campaign.id), "call": str(call.id) if call else None, "level": campaign.level, **data},
    )
