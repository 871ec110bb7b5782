"""`anlan token issue | list | revoke`: tokens of devices that push readings, for whoever holds the machine."""

import argparse
from datetime import datetime

from django.conf import settings

from anlan.base.places.models import Place
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid
from anlan.loop.sensing.admission import admit
from anlan.loop.sensing.models import Device, Token
from anlan.loop.sensing.tokens import issue_token, revoke_token, visible_tokens
from anlan.ui.context import site_clock

PROTOCOL = "ingest"


def run(arguments: argparse.Namespace) -> int:
    """Do it as the system. Raises Refused."""
    actor, now = system_actor("cli", settings.CONFIG.mode), site_clock().now()
    if arguments.action == "issue":
        devices = [_device(actor, address, arguments.place, now) for address in arguments.device]
        print(issue_token(actor, devices=devices, now=now)[1])
    elif arguments.action == "revoke":
        found = [
            one
            for one in visible_tokens(actor).filter(revoked_at=None)
            if one.hint == arguments.token.rstrip("…")[: len(one.hint)]
        ]
        if len(found) != 1:
            raise Invalid("token", f"没有正好一个令牌以 {arguments.token} 开头", "先 anlan token list")
        revoke_token(actor, found[0], now=now)
        print(f"已吊销 {found[0].hint}…")
    else:
        for one in visible_tokens(actor).order_by("issued_at").prefetch_related("devices"):
            print(_line(one))
    return 0


def _line(token: Token) -> str:
    addresses = " ".join(sorted(device.address for device in token.devices.all()))
    state = f"吊销于 {beijing(token.revoked_at):%Y-%m-%d %H:%M}" if token.revoked_at else "有效"
    return f"{token.hint}…  {beijing(token.issued_at):%Y-%m-%d %H:%M}  {state}  {addresses}"


def _device(actor: Actor, address: str, place: str, now: datetime) -> Device:
    found = Device.objects.in_use().filter(protocol=PROTOCOL, address=address.upper()).first()
    if found is not None:
        return found
    where = Place.objects.filter(code=place, mode=actor.mode, valid_to=None).first() if place else None
    if where is None:
        raise Invalid("device", f"没有登记推送设备 {address}", "用 --place 给出它的对象编号，就一并登记")
    return admit(actor, protocol=PROTOCOL, address=address, place=where, now=now)
