"""Tokens with which devices push readings: only their hash is kept, each is shown once, when it is issued.

The token is 256 random bits, so a plain hash is enough: there is nothing to guess. Never: a token in a log or a line of
the journal.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, QuerySet

from anlan.base.journal.commands import command, record
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Invalid

from .models import Device, Token

PREFIX = "anl_"
HINT = 8
DEVICES_MAX = 5000


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def visible_tokens(actor: Actor) -> QuerySet[Token]:
    """Tokens of devices that the actor may admit; one whose devices it does not all see is not its matter."""
    if not actor.may("sensing.admit"):
        return Token.objects.none()
    seen = Device.objects.visible_to(actor)
    unseen = Device.objects.exclude(pk__in=seen.values("pk"))
    return Token.objects.filter(devices__in=seen).exclude(devices__in=unseen).distinct()


def tokens_of(actor: Actor, device: Device) -> list[Token]:
    """Tokens that speak for a device, the newest first, each with `count` of its devices; revoked ones come last."""
    held = visible_tokens(actor).filter(id__in=device.tokens.values("id")).annotate(count=Count("devices"))
    return sorted(held, key=lambda one: (one.revoked_at is not None, -one.issued_at.timestamp()))


@command("sensing.issue_token", permission="sensing.admit")
def issue_token(actor: Actor, *, devices: Sequence[Device], now: datetime) -> tuple[Token, str]:
    """A new token for one device, or for the several that one sender speaks for; returns it with its only clear text.

    Raises Invalid where a device is not the actor's, or two of them have one address.
    """
    numbers = {device.id for device in devices}
    if not numbers or len(numbers) > DEVICES_MAX:
        raise Invalid("devices", f"一个令牌对应 1 至 {DEVICES_MAX} 台设备")
    held = list(Device.objects.visible_to(actor).filter(id__in=numbers).select_related("place"))
    if len(held) != len(numbers) or any(device.disabled_at for device in held):
        raise Invalid("devices", "其中有停用的设备，或不归您管的设备")
    if len({device.address for device in held}) != len(held):
        raise Invalid("devices", "其中有地址相同的设备，报来的数据分不清是谁的", "分开发放")
    clear = PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        digest=digest(clear), hint=clear[: len(PREFIX) + HINT], mode=actor.mode, issued_at=now, issued_by=actor.label
    )
    token.devices.set(held)
    for device in held:
        record(
            actor, "sensing.token_issued", subject=f"device:{device.id}", now=now, area=device.place.area_code,
            place=device.place_id, data={"device": str(device.id), "token": str(token.id)},
        )  # fmt: skip
    return token, clear


@command("sensing.revoke_token", permission="sensing.admit")
def revoke_token(actor: Actor, token: Token, *, now: datetime) -> Token:
    """From now on nothing is taken under this token. Again changes nothing."""
    if Token.objects.filter(id=token.id, revoked_at=None).update(revoked_at=now) != 1:
        token.refresh_from_db()
        return token
    token.revoked_at = now
    for device in token.devices.select_related("place"):
        record(
            actor, "sensing.token_revoked", subject=f"device:{device.id}", now=now, area=device.place.area_code,
            place=device.place_id, data={"device": str(device.id), "token": str(token.id)},
        )  # fmt: skip
    return token
