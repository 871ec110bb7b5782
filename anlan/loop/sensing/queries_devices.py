"""Reads about devices themselves: who may send, who is in touch, what was asked, what is wrong with connections."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils.translation import gettext as _

from anlan.base.places.models import Place
from anlan.base.places.queries import area_names, full_name, search_places, visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.errors import NotFound

from .models import Attachment, Contact, Device, Quarantine, StationCommand, Trouble
from .queries import visible_quarantine
from .router import readings_alias

TROUBLES_SHOWN = timedelta(days=7)
PLACES_SHOWN = 12


def waiting_quarantine(actor: Actor) -> QuerySet[Quarantine]:
    """Those of them that nobody has refused yet."""
    return visible_quarantine(actor).filter(ignored_at__isnull=True)


def device(actor: Actor, number: UUID) -> Device:
    """One device that the actor sees. Raises NotFound."""
    found = Device.objects.visible_to(actor).filter(id=number).select_related("place").first()
    if found is None:
        raise NotFound("sensing.no_device", _("没有这台设备，或不在您的辖区内"))
    return found


def stranger(actor: Actor, number: int) -> Quarantine:
    """One station that calls without being admitted. Raises NotFound."""
    found = visible_quarantine(actor).filter(id=number).first()
    if found is None:
        raise NotFound("sensing.no_stranger", _("没有这个未登记站；它可能刚刚登记了"))
    return found


def contacts() -> dict[UUID, Contact]:
    """By device: how it was last in touch."""
    return {row.device: row for row in Contact.objects.using(readings_alias()).all()}


def contact(found: Device) -> Contact | None:
    return Contact.objects.using(readings_alias()).filter(device=found.id).first()


def troubles(actor: Actor, now: datetime) -> list[Trouble]:
    """Connections that were wrong in the last days, the latest first, for whoever may admit."""
    if not actor.may("sensing.admit"):
        return []
    return list(Trouble.objects.filter(last_at__gt=now - TROUBLES_SHOWN).order_by("-last_at")[:50])


def commands_of(found: Device) -> list[StationCommand]:
    """What was asked of a device, the latest first."""
    return list(found.commands.order_by("-id")[:20])


def attachments_of(found: Device) -> list[Attachment]:
    """What a device sent that is no number, the latest first."""
    return list(found.attachments.order_by("-received_at")[:12])


def places_for(actor: Actor, address: str, text: str) -> list[Place]:
    """Places that a station may belong to: those found by the text, or those whose directory names its address."""
    measuring = Case(When(attributes__has_key="station", then=Value(0)), default=Value(1), output_field=IntegerField())
    places = visible_places(actor).order_by(measuring, "code")
    if text.strip():
        return list(search_places(places, text)[:PLACES_SHOWN])
    return list(places.filter(attributes__station=address)[:PLACES_SHOWN])


def area_word(found: Place) -> str:
    """Town and village of a place, as people say it."""
    return full_name(found.area_code, area_names({found.area_code}))
