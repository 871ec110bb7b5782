"""The worker's commands: take the step that is due, plan an attempt, book what the channel said. No I/O here."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q

from anlan.base.journal.commands import command
from anlan.base.people.queries import answers_for, deputy_for
from anlan.base.places.queries import area_names, full_name
from anlan.kernel.actor import Actor
from anlan.kernel.channels import Dial, Receipt
from anlan.kernel.modes import LEVEL_WORDS, Mode

from . import packs, rules
from .commands import end, ensure_call, level_name, lock, note, settle, to_door
from .models import Attempt, Call, Link, Taken
from .queries import office_of
from .rules import Do, Kind, Line, Outcome, Stage, Step

TRIES = 5


@command("calls.advance")
def advance(actor: Actor, call: Call, *, callback: str, now: datetime) -> tuple[Attempt, Dial] | None:
    """Take every step that is due. Returns an attempt, committed as planned, that is to be dialled; else None."""
    for _ in range(6):
        call = lock(call)
        step = rules.next_step(call.campaign.rung, call.facts, now)
        if step.do is Do.DIAL:
            if _line_taken(call):
                Call.objects.filter(pk=call.pk).update(due_at=now + timedelta(seconds=5), lease_until=None)
                return None
            return _plan(call, step, callback, now)
        if step.do in (Do.WAIT, Do.DONE):
            Call.objects.filter(pk=call.pk).update(due_at=step.at, lease_until=None)
            return None
        _take(actor, call, step, now)
    return None


def _line_taken(call: Call) -> bool:
    """The person's phone is ringing for another campaign: one call after the other."""
    open_ = Attempt.objects.filter(call__person=call.person).exclude(line=Line.OVER.value)
    return call.person is not None and open_.exclude(call=call).exists()


def _take(actor: Actor, call: Call, step: Step, now: datetime) -> None:
    if step.do is Do.WIDEN:
        _widen(actor, call, now)
    elif step.do is Do.DOOR:
        to_door(actor, call, now)
    elif step.do is Do.TELL:
        Call.objects.filter(pk=call.pk).update(told_at=now)
        note(actor, "calls.door_overdue", call.campaign, call, now)
    elif step.do is Do.GIVE_UP:
        end(actor, call, "give_up", now, reason=step.reason)
    elif step.do is Do.LOST:
        attempt = call.attempts.get(n=step.n)
        settle(actor, attempt, replace(attempt.facts, line=Line.OVER, outcome=Outcome.LOST, ended_at=now), now)


def _widen(actor: Actor, call: Call, now: datetime) -> None:
    """Deputy and superior in parallel; who is called in this campaign anyway is not called twice."""
    post, superior = call.post, call.post.superior if call.post else None
    people = {
        Kind.DEPUTY: (post, deputy_for(post, now) if post else None),
        Kind.SUPERIOR: (superior, answers_for(superior, now) if superior else None),
    }
    for kind, (whose, person) in people.items():
        child = None
        if whose is not None and person is not None and person.pk != call.person_id:
            child = ensure_call(actor, call.campaign, kind, person, whose, now)
        Link.objects.get_or_create(parent=call, kind=kind.value, defaults={"child": child})
    stage = rules.move("widen", call.stage).value
    Call.objects.filter(pk=call.pk, stage=call.stage).update(stage=stage, widened_at=now, hurry=False)
    note(actor, "calls.widened", call.campaign, call, now)


def say(call: Call, now: datetime) -> str:
    """The text for this call, from its approved template."""
    campaign = call.campaign
    if call.kind == Kind.REMINDER:
        return call.text
    pack = packs.message_for(campaign.hazard)
    waiting = [link.parent for link in call.parents.select_related("parent__place")]
    places = list(call.places.values_list("name", flat=True))
    places += [parent.place.name for parent in waiting if parent.place]
    values = {
        "office": office_of(campaign.area_code),
        "hazard": {"flash_flood": "山洪", "rain": "暴雨", "river": "河道洪水"}.get(campaign.hazard, "险情"),
        "places": packs.listing(places),
        "level": LEVEL_WORDS[campaign.level],
        "who": packs.listing([title for parent in waiting for title in parent.posts], 16),
    }
    text = {Kind.DEPUTY: pack.deputy, Kind.SUPERIOR: pack.superior}.get(
        Kind(call.kind), pack.texts[level_name(campaign.level)]
    )
    return pack.say(text, values)


def _plan(call: Call, step: Step, callback: str, now: datetime) -> tuple[Attempt, Dial]:
    """Commit the attempt before anything rings; a planned one is found again and keeps its key and text."""
    rung, campaign = call.campaign.rung, call.campaign
    attempt = call.attempts.exclude(line=Line.OVER.value).first()
    if attempt is None:
        text = say(call, now)
        last = call.attempts.order_by("-n").first()
        attempt = Attempt.objects.create(
            call=call,
            n=last.n + 1 if last else 1,
            channel="voice",
            line=Line.PLANNED.value,
            planned_at=now,
            again_at=now,
            deadline=rules.deadline(rung, now, packs.seconds_of(text)),
            text=text,
            text_version=packs.text_version(text),
            confirm_keys=list(packs.keys_of(campaign.hazard)),
        )
        note_text = {"text": text, "text_version": attempt.text_version}
        if call.kind == Kind.TARGET:
            type(campaign).objects.filter(pk=campaign.pk).update(**note_text)
        Call.objects.filter(pk=call.pk).update(ask=False)
    phone = call.person.phone if call.person else ""
    dial = Dial(
        key=str(attempt.id),
        number=phone,
        text=attempt.text,
        text_version=attempt.text_version,
        callback=callback,
        ring_s=rung.ring_s,
        level=campaign.level,
        mode=call.mode,
        confirm_keys=tuple(attempt.confirm_keys),
    )
    return attempt, dial


@command("calls.placed")
def placed(actor: Actor, attempt: Attempt, *, provider: str, now: datetime) -> None:
    """The channel took the attempt."""
    Attempt.objects.filter(pk=attempt.pk).update(provider=provider)
    moved = Attempt.objects.filter(pk=attempt.pk, line=Line.PLANNED.value).update(line=Line.PLACED.value)
    if moved:
        call = attempt.call
        note(actor, "calls.dialled", call.campaign, call, now, attempt=str(attempt.id), n=attempt.n)
    Call.objects.open().filter(pk=attempt.call_id).update(due_at=now, lease_until=None)


@command("calls.refused")
def refused(actor: Actor, attempt: Attempt, *, code: str, retryable: bool, wait_s: float, now: datetime) -> None:
    """The channel did not take it: again under the same key, or over."""
    if retryable and attempt.tries < TRIES:
        again = now + timedelta(seconds=max(wait_s, 2.0 * (attempt.tries + 1)))
        Attempt.objects.filter(pk=attempt.pk).update(tries=attempt.tries + 1, again_at=again)
        Call.objects.open().filter(pk=attempt.call_id).update(due_at=now, lease_until=None)
        return
    outcome = Outcome.BAD_NUMBER if code == "bad_number" else Outcome.FAILED
    settle(actor, attempt, replace(attempt.facts, line=Line.OVER, outcome=outcome, ended_at=now), now)
    Call.objects.filter(pk=attempt.call_id).update(lease_until=None)


def record_receipts(actor: Actor, receipts: Iterable[Receipt], *, now: datetime) -> int:
    """Book what a channel reported, in order, each in a transaction of its own. Returns how many were new."""
    return sum(record_receipt(actor, news, now=now) for news in sorted(receipts, key=lambda r: (r.call, r.seq)))


@command("calls.record_receipt")
def record_receipt(actor: Actor, news: Receipt, *, now: datetime) -> bool:
    """Book one receipt, once. False: it was known, or is about no attempt of ours.

    A channel knows no modes: each line is written in the mode of the call that it is about.
    """
    _, fresh = Taken.objects.get_or_create(id=news.id, defaults={"at": now})
    match = Q(provider=news.call) if not _is_key(news.key) else Q(id=news.key)
    attempt = Attempt.objects.select_related("call").filter(match).first() if fresh else None
    if attempt is None:
        return False
    after = rules.receipt(attempt.facts, news, attempt.confirm_keys)
    if after != attempt.facts:
        settle(replace(actor, mode=Mode(attempt.call.mode)), attempt, after, now)
    return True


def _is_key(key: str) -> bool:
    return len(key) == 36 and key.count("-") == 4


def where(call: Call) -> str:
    """Town and village of a call, as people say it."""
    return full_name(call.area_code, area_names({call.area_code}))


OPEN_STAGES = tuple(stage.value for stage in Stage if stage in rules.OPEN)
