"""What an officer does to a call or a campaign beside the ladder. Each act needs calls.steer and the call's area."""

from datetime import datetime

from anlan.base.journal.commands import command
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict, Invalid

from . import rules
from .commands import close, end, lock, note, to_door
from .models import Call, Campaign
from .rules import Stage


@command("calls.escalate_now", permission="calls.steer")
def escalate_now(actor: Actor, call: Call, *, now: datetime) -> Call:
    """Do not wait for T_wake: call deputy and superior at once, or send to the door where they are called already."""
    call = _steered(actor, call)
    if call.stage == Stage.WIDENED:
        return send_to_door(actor, call, now=now)
    rules.move("widen", call.stage)
    Call.objects.filter(pk=call.pk).update(hurry=True, due_at=now)
    note(actor, "calls.escalated", call.campaign, call, now)
    return lock(call)


@command("calls.send_to_door", permission="calls.steer")
def send_to_door(actor: Actor, call: Call, *, now: datetime) -> Call:
    """Send somebody to the door now."""
    call = _steered(actor, call)
    to_door(actor, call, now)
    return lock(call)


@command("calls.redial", permission="calls.steer")
def redial(actor: Actor, call: Call, *, now: datetime) -> Call:
    """Ring once more now, beside the ladder."""
    call = _steered(actor, call)
    if call.stage not in rules.OPEN:
        raise Conflict("calls.stage", "这通叫应已经结束", "请刷新后再看")
    Call.objects.filter(pk=call.pk).update(ask=True, due_at=now)
    note(actor, "calls.redialled", call.campaign, call, now)
    return lock(call)


@command("calls.mark_reached", permission="calls.steer")
def mark_reached(actor: Actor, call: Call, *, reason: str, now: datetime) -> Call:
    """An officer knows by another way that the person is awake; says which."""
    return _by_hand(actor, call, "reach", reason, now)


@command("calls.mark_unreachable", permission="calls.steer")
def mark_unreachable(actor: Actor, call: Call, *, reason: str, now: datetime) -> Call:
    """Nobody can reach this person; the reason stays beside the name."""
    return _by_hand(actor, call, "give_up", reason, now)


@command("calls.cancel_campaign", permission="calls.steer")
def cancel_campaign(actor: Actor, campaign: Campaign, *, reason: str, now: datetime) -> Campaign:
    """Stop calling. Raises Invalid without a reason."""
    actor.require_area(campaign.area_code)
    if not reason.strip():
        raise Invalid("reason", "停止叫应要写明原因")
    close(actor, campaign, "cancelled", now, reason)
    return campaign


def _steered(actor: Actor, call: Call) -> Call:
    actor.require_area(call.area_code)
    return lock(call)


def _by_hand(actor: Actor, call: Call, act: str, reason: str, now: datetime) -> Call:
    call = _steered(actor, call)
    if not reason.strip():
        raise Invalid("reason", "要写明怎么知道的")
    end(actor, call, act, now, reason=reason)
    return call
