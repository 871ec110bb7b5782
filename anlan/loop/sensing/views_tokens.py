"""Tokens on a device's page: issue, which shows the token this once, and revoke."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.acts import done
from anlan.ui.requests import ActorRequest, page

from .models import Device
from .queries_devices import device
from .tokens import issue_token, revoke_token, visible_tokens


@page("sensing.admit", "POST")
def issue(request: ActorRequest, device_id: UUID) -> HttpResponse:
    """A new token, on a page of its own: it cannot be shown again."""
    found = device(request.actor, device_id)
    others = request.POST.get("others", "").replace(",", " ").replace("，", " ").upper().split()
    devices = [found, *_named(request, found, others)]
    token, clear = issue_token(request.actor, devices=devices, now=request.now)
    url = f"{settings.CONFIG.public_url or request.build_absolute_uri('/').rstrip('/')}/ingest/v1/readings"
    context = {"device": found, "devices": devices, "token": token, "clear": clear, "url": url}
    answer = render(request, "sensing/token.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _named(request: ActorRequest, found: Device, addresses: list[str]) -> list[Device]:
    wanted = set(addresses) - {found.address}
    held = Device.objects.visible_to(request.actor).in_use().filter(protocol=found.protocol, address__in=wanted)
    missing = sorted(wanted - {one.address for one in held})
    if missing:
        raise Invalid(
            "others", _("没有登记推送设备 %(address)s") % {"address": missing[0]}, _("先登记设备，再发放令牌")
        )
    return list(held)


@page("sensing.admit", "POST")
def revoke(request: ActorRequest, device_id: UUID, token_id: UUID) -> HttpResponse:
    """What is sent under the token is refused from the next second on."""
    found = device(request.actor, device_id)
    token = visible_tokens(request.actor).filter(id=token_id, devices=found.id).first()
    if token is None:
        raise NotFound("sensing.no_token", _("没有这个令牌"))
    revoke_token(request.actor, token, now=request.now)
    return done(request, reverse("device", args=[found.id]), _("令牌已吊销"))
