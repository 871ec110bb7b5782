"""Pages of the desk: duty desk, incidents, call boards. Thin: parse, ask a query or a command, render."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.kernel.errors import Invalid
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.queries import alarm as find_alarm
from anlan.loop.alarms.queries import incident as find_incident
from anlan.loop.alarms.queries import visible_incidents
from anlan.loop.calls import steering
from anlan.loop.calls.queries import Board, board, campaign_before, visible_campaigns, wake_curve
from anlan.loop.calls.queries import call as find_call
from anlan.loop.calls.queries import campaign as find_campaign
from anlan.ui.acts import done
from anlan.ui.requests import ActorRequest, page

from .curve import Curve, draw
from .incidents import picture
from .lists import campaign_table, incident_table, with_counts
from .queue import queue, tiles
from .timeline import SEGMENTS


@page("alarms.acknowledge")
def duty(request: ActorRequest) -> HttpResponse:
    """The duty desk."""
    return render(request, "desk/duty.html", _duty(request))


@page("alarms.acknowledge")
def duty_part(request: ActorRequest) -> HttpResponse:
    """Tiles and queue, fetched again when something changed."""
    return render(request, "desk/duty_part.html", _duty(request))


def _duty(request: ActorRequest) -> dict[str, object]:
    rows = queue(request.actor, request.now)
    kind = request.GET.get("kind", "")
    if kind not in ("", "call", "alarm", "task", "silent"):
        raise Invalid("kind", _("没有这一类：%(kind)s") % {"kind": kind}, "call、alarm、task、silent")
    groups = {"call": ("call", "door"), "alarm": ("alarm", "eased"), "task": ("task",), "silent": ("silent",)}
    counts = {name: sum(1 for row in rows if row.item.kind in kinds) for name, kinds in groups.items()}
    segments = [("", _("全部"), len(rows)), ("call", _("叫应"), counts["call"]), ("alarm", _("警情"), counts["alarm"]),
                ("task", _("任务"), counts["task"]), ("silent", _("静默"), counts["silent"])]  # fmt: skip
    return {
        "rows": [row for row in rows if not kind or row.item.kind in groups[kind]],
        "tiles": tiles(request.actor, rows, request.now),
        "segments": segments,
        "kind": kind,
        "incidents": visible_incidents(request.actor).open().order_by("-level", "-people_at_risk")[:6],
    }


@page("alarms.read")
def incident_list(request: ActorRequest) -> HttpResponse:
    """All incidents the actor sees, the open ones first. Answers 422 for a parameter it does not know."""
    table, found = incident_table(request.actor), visible_incidents(request.actor)
    return table.answer(request, found, "desk/incident_list.html", lambda _page: {"running": found.open().count()})


def _incident(request: ActorRequest, number: str) -> dict[str, object]:
    only = request.GET.get("only", "")
    if only not in ("", *SEGMENTS):
        raise Invalid("only", _("没有这一类：%(kind)s") % {"kind": only}, "、".join(SEGMENTS))
    found = find_incident(request.actor, number)
    words = [("", _("全部")), *zip(SEGMENTS, (_("警情"), _("叫应"), _("任务")), strict=True)]
    return {"picture": picture(request.actor, found, request.now, only), "segments": words}


@page("alarms.read")
def incident(request: ActorRequest, number: str) -> HttpResponse:
    """One incident: the loop's steps, its course, what should happen now. Answers 422 for an unknown part."""
    return render(request, "desk/incident.html", _incident(request, number))


@page("alarms.read")
def incident_part(request: ActorRequest, number: str) -> HttpResponse:
    return render(request, "desk/incident_part.html", _incident(request, number))


@page(None, "POST")
def alarm_act(request: ActorRequest, alarm_id: str, act: str) -> HttpResponse:
    """Acknowledge or clear one alarm."""
    found = find_alarm(request.actor, alarm_id)
    if act == "acknowledge":
        alarms.acknowledge(request.actor, found, now=request.now)
        message = _("已确认")
    else:
        alarms.clear(request.actor, found, reason=request.POST.get("reason", ""), now=request.now)
        message = _("已签字解除")
    url = reverse("incident", args=[found.incident.number]) if found.incident else reverse("duty")
    return done(request, url, message)


@page(None, "POST")
def incident_close(request: ActorRequest, number: str) -> HttpResponse:
    """Sign the end of an incident."""
    found = find_incident(request.actor, number)
    alarms.close_incident(request.actor, found, note=request.POST.get("note", ""), now=request.now)
    return done(request, reverse("incident", args=[number]), _("事件已关闭"))


@page("calls.read")
def call_list(request: ActorRequest) -> HttpResponse:
    """Campaigns and reminders, the running ones first. Answers 422 for a parameter it does not know."""
    table, seen = campaign_table(request.actor), visible_campaigns(request.actor)
    found = with_counts(seen)
    return table.answer(request, found, "desk/call_list.html", lambda _page: {"running": seen.open().count()})


def _board(request: ActorRequest, number: str) -> dict[str, object]:
    shown = board(request.actor, find_campaign(request.actor, number), request.now)
    view = request.GET.get("view", "gap")
    if view not in ("gap", "woken", "all"):
        raise Invalid("view", _("没有这个列表：%(view)s") % {"view": view}, "gap、woken、all")
    rows = {"gap": shown.gap, "woken": shown.woken_rows, "all": (*shown.gap, *shown.woken_rows)}[view]
    return {"board": shown, "rows": rows, "view": view, "curve": _curve(request, shown)}


def _curve(request: ActorRequest, shown: Board) -> Curve:
    """The wake curve, beside the one of the last campaign for this hazard."""
    earlier = campaign_before(request.actor, shown.campaign)
    return draw(
        [seconds for seconds, _woken in shown.curve],
        shown.targets,
        shown.elapsed_s,
        shown.campaign.rung.t_wake_s,
        wake_curve(request.actor, earlier) if earlier else None,
    )


@page("calls.read")
def call_board(request: ActorRequest, number: str) -> HttpResponse:
    """The call board."""
    return render(request, "desk/call_board.html", _board(request, number))


@page("calls.read")
def call_board_part(request: ActorRequest, number: str) -> HttpResponse:
    return render(request, "desk/call_board_part.html", _board(request, number))


@page(None, "POST")
def call_act(request: ActorRequest, call_id: str, act: str) -> HttpResponse:
    """Steer one call: escalate, door, redial, reached, unreachable."""
    found = find_call(request.actor, call_id)
    reason = request.POST.get("reason", "")
    if act == "escalate":
        steering.escalate_now(request.actor, found, now=request.now)
    elif act == "door":
        steering.send_to_door(request.actor, found, now=request.now)
    elif act == "redial":
        steering.redial(request.actor, found, now=request.now)
    elif act == "reached":
        steering.mark_reached(request.actor, found, reason=reason, now=request.now)
    else:
        steering.mark_unreachable(request.actor, found, reason=reason, now=request.now)
    return done(request, reverse("call-board", args=[found.campaign.number]), _("已办"))


@page(None, "POST")
def campaign_cancel(request: ActorRequest, number: str) -> HttpResponse:
    """Stop a campaign, with the reason."""
    found = find_campaign(request.actor, number)
    steering.cancel_campaign(request.actor, found, reason=request.POST.get("reason", ""), now=request.now)
    return done(request, reverse("call-board", args=[number]), _("叫应已停止"))
