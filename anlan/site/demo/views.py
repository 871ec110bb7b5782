"""Start a storm, set the pace, begin afresh. Each needs the permission demo.run."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from anlan.base.journal.commands import record, writing
from anlan.kernel.clock import SiteClock
from anlan.kernel.errors import Invalid
from anlan.ui.requests import ActorRequest

from .control import request_reset, request_storm, storm_state

SPEEDS = {"auto": None, "1": 1.0, "4": 4.0, "20": 20.0, "60": 60.0}


def _note(request: ActorRequest, kind: str) -> None:
    with writing():
        record(request.actor, kind, subject="site:demo", now=request.now)


def _back(request: ActorRequest) -> HttpResponse:
    return redirect("home")


@login_required
@require_POST
def start(request: ActorRequest) -> HttpResponse:
    """One click starts a storm."""
    request.actor.require("demo.run")
    request_storm(settings.CONFIG.data)
    _note(request, "demo.storm_requested")
    messages.success(request, _("暴雨已开始：60 个雨量站按站点时钟发送真实报文"))
    return _back(request)


@login_required
@require_POST
def speed(request: ActorRequest) -> HttpResponse:
    """Fix the demo clock's rate, or hand it back (auto)."""
    request.actor.require("demo.run")
    wanted = request.POST.get("speed", "")
    if wanted not in SPEEDS:
        raise Invalid("speed", f"速度应为 {'、'.join(SPEEDS)} 之一，得到 {wanted!r}")
    path = settings.CONFIG.data / "speed"
    rate = SPEEDS[wanted]
    if rate is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(str(rate), encoding="ascii")
    _note(request, "demo.speed_set")
    return _back(request)


@login_required
@require_POST
def reset(request: ActorRequest) -> HttpResponse:
    """A fresh site in a new folder: the supervisor does it; everybody logs in anew."""
    request.actor.require("demo.run")
    request_reset(settings.CONFIG.data)
    return render(request, "site/reset.html")


@login_required
@require_GET
def state(request: ActorRequest) -> HttpResponse:
    """What the demo is doing, for the bar."""
    clock = SiteClock(settings.CONFIG.data / "clock.json")
    found = storm_state(settings.CONFIG.data) or {"phase": "calm"}
    return JsonResponse({**found, "rate": clock.state().rate, "now": clock.now().timestamp()})
