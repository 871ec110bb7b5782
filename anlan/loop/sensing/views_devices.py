"""One device and one stranger on screen: admit, refuse, take out of use, ask, set the clock, see what it answered."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.queries import place
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.acts import done
from anlan.ui.requests import ActorRequest, page

from . import admission, asking
from .models import Attachment, Device, StationCommand
from .queries import device_states
from .queries_devices import area_word, attachments_of, commands_of, contact, device, places_for, stranger
from .tokens import tokens_of
from .wires import WIRES, wire_of
from .words import answer_clock, answer_rows, clock_wrong, offset_word

TYPES = {"picture": "image/jpeg", "text": "text/plain; charset=utf-8"}
REASONS = {"never_connected": "站一直没有连上来", "no_answer": "下发了，站没有应答"}


@page("sensing.read")
def device_page(request: ActorRequest, device_id: UUID) -> HttpResponse:
    """One device: how it stands, what it was asked and answered, its pictures; and its acts."""
    found = device(request.actor, device_id)
    wire = wire_of(found.protocol)
    touch = contact(found)
    context = {
        "device": found,
        "cards": [reverse("device-series", args=[found.id]), reverse("device-curves", args=[found.id])],
        "wire": wire,
        "area": area_word(found.place),
        "state": device_states(request.actor, request.now).get(found.id),
        "contact": touch,
        "offset": offset_word(touch),
        "clock_wrong": clock_wrong(touch),
        "may_ask": request.actor.may("sensing.ask") and found.disabled_at is None and bool(wire.asks),
        "asked": [_asked(one) for one in commands_of(found)],
        "waiting": found.commands.filter(state__in=asking.OPEN, expires_at__gt=request.now).exists(),
        "attachments": [(one, _text(one)) for one in attachments_of(found)],
        "tokens": tokens_of(request.actor, found) if wire.pushes else [],
        "fields": wire.form.show(found.config) if wire.form is not None else None,
    }
    return render(request, "sensing/device.html", context)


def _asked(one: StationCommand) -> dict[str, object]:
    return {
        "row": one,
        "what": _(asking.WORDS.get(one.what, one.what)),
        "why": _(REASONS.get(one.reason, one.reason)) if one.reason else "",
        "lines": answer_rows(one.answer),
        "clock": answer_clock(one.answer),
        "css": {"answered": "done", "failed": "late", "sent": "doing"}.get(one.state, ""),
    }


def _text(one: Attachment) -> str:
    if one.kind != "text":
        return ""
    with one.file.open("rb") as file:
        return str(file.read(2000).decode("utf-8", "replace"))


@page("sensing.read")
def attachment(request: ActorRequest, attachment_id: UUID) -> HttpResponse:
    """The file of a picture or text, for whoever sees its device."""
    devices = Device.objects.visible_to(request.actor)
    found = Attachment.objects.filter(id=attachment_id, device__in=devices).first()
    if found is None:
        raise NotFound("sensing.no_file", _("没有这个文件，或不在您的辖区内"))
    with found.file.open("rb") as file:
        answer = HttpResponse(file.read(), content_type=TYPES.get(found.kind, "application/octet-stream"))
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@page("sensing.ask", "POST")
def ask(request: ActorRequest, device_id: UUID) -> HttpResponse:
    """Queue a request; the page shows the answer when it comes."""
    found = device(request.actor, device_id)
    what = request.POST.get("what", "")
    details = {}
    if what == "range":
        details = asking.day_back(request.POST.get("hours", "24"), request.POST.get("element", "F4"), request.now)
    asking.ask(request.actor, found, what=what, details=details, now=request.now)
    return done(request, reverse("device", args=[device_id]), _("已排队，站连着就马上下发"))


@page("sensing.admit", "POST")
def device_act(request: ActorRequest, device_id: UUID, act: str) -> HttpResponse:
    """Take out of use, bring back, change the password or the description of a polled device."""
    found = device(request.actor, device_id)
    if act == "disable":
        admission.disable(request.actor, found, now=request.now)
        word = _("已停用；它再来报就进未登记站")
    elif act == "reinstate":
        admission.admit(
            request.actor, protocol=found.protocol, address=found.address, place=found.place,
            password=found.password, now=request.now,
        )  # fmt: skip
        word = _("已恢复使用")
    elif act == "password":
        admission.set_password(request.actor, found, password=request.POST.get("password", ""), now=request.now)
        word = _("口令已改")
    elif act == "config":
        word = _configure(request, found)
    else:
        raise NotFound("sensing.no_act", _("没有这个操作"))
    return done(request, reverse("device", args=[device_id]), word)


def _configure(request: ActorRequest, found: Device) -> str:
    admission.describe(request.actor, found, form=request.POST.dict(), now=request.now)
    return _("配置已改，网关几秒内照办")


@page("sensing.admit")
def unknown_page(request: ActorRequest, number: int) -> HttpResponse:
    """One station that calls without being admitted: find its place and admit it, or refuse it."""
    found = stranger(request.actor, number)
    text = request.GET.get("find", "")
    taken = Device.objects.filter(protocol=found.protocol, address=found.address).select_related("place").first()
    context = {
        "stranger": found,
        "wire": wire_of(found.protocol),
        "find": text,
        "taken": taken,
        "places": [(one, area_word(one)) for one in places_for(request.actor, found.address, text)],
    }
    return render(request, "sensing/stranger.html", context)


@page("sensing.admit", "POST")
def unknown_act(request: ActorRequest, number: int, act: str) -> HttpResponse:
    """Admit, refuse, or take the refusal back."""
    found = stranger(request.actor, number)
    if act == "ignore":
        admission.ignore(request.actor, found, reason=request.POST.get("reason", ""), now=request.now)
        return done(request, reverse("devices-unknown"), _("已记为不予登记，随时可以撤回"))
    if act == "notice":
        admission.notice(request.actor, found, now=request.now)
        return done(request, reverse("device-unknown", args=[number]), _("已撤回"))
    if act != "admit":
        raise NotFound("sensing.no_act", _("没有这个操作"))
    code = request.POST.get("place", "")
    if not code:
        raise Invalid("place", _("请先选一个对象"), _("在搜索框里输站名、编码或拼音首字母"))
    admitted = admission.admit(
        request.actor, protocol=found.protocol, address=request.POST.get("address", found.address),
        place=place(request.actor, code), password=request.POST.get("password", ""), now=request.now,
    )  # fmt: skip
    return done(request, reverse("device", args=[admitted.id]), _("已登记；下一帧开始入库和判别"))


@page("sensing.admit", "GET", "HEAD", "POST")
def device_new(request: ActorRequest) -> HttpResponse:
    """Register a device before it calls, or one that is asked (Modbus)."""
    offered = [one for one in WIRES.values() if not one.by_hand]
    protocols = sorted(offered, key=lambda one: one.form is not None)  # those that call by themselves first
    wire = wire_of(request.GET.get("protocol", protocols[0].name))
    if request.method != "POST":
        text = request.GET.get("find", "")
        context = {
            "wire": wire, "wires": protocols, "find": text,
            "places": [(one, area_word(one)) for one in places_for(request.actor, "", text)] if text else [],
        }  # fmt: skip
        return render(request, "sensing/device_new.html", context)
    wire = wire_of(request.POST.get("protocol", ""))
    address, config = request.POST.get("address", ""), None
    if wire.form is not None:
        address, config = wire.form.read(request.POST.dict())
    if not request.POST.get("place"):
        raise Invalid("place", _("请先选一个对象"), _("在搜索框里输站名、编码或拼音首字母"))
    admitted = admission.admit(
        request.actor, protocol=wire.name, address=address, place=place(request.actor, request.POST["place"]),
        password=request.POST.get("password", ""), config=config, now=request.now,
    )  # fmt: skip
    return done(request, reverse("device", args=[admitted.id]), _("已登记"))
