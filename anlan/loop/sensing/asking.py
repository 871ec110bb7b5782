"""What is asked of stations and what they answer: a queue of rows that the gateway claims. The only writers of it.

A request waits until its station is connected, is sent, and is sent again while the station says nothing; it expires.
It is never sent twice where it was answered, and a setting (the clock) is harmless when it is sent twice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from anlan.base.journal.commands import command, record
from anlan.base.journal.due import claim
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.errors import Conflict, Invalid
from anlan.kernel.modes import Mode

from .models import Device, StationCommand

WAITS = timedelta(minutes=30)
"""So long a request waits for its station: two reporting intervals of a quarter of an hour."""
AGAIN = timedelta(seconds=20)
TRIES = 3
LEASE_S = 10.0
LONGEST_H = 72
WORDS = {"now": "召测实时数据", "range": "召测时段数据", "clock": "校时"}
PERMISSION = {"clock": "sensing.admit"}
"""What changes a station needs more than what reads it."""
OPEN = ("queued", "sent")


def day_back(hours: str, element: str, now: datetime) -> dict[str, str]:
    """Details of a `range` request: the last so many whole hours of one element. Raises Invalid."""
    if not hours.isdigit() or not 1 <= int(hours) <= LONGEST_H:
        raise Invalid("hours", _("小时数应在 1 到 %(most)s 之间") % {"most": LONGEST_H})
    element = element.upper()
    if len(element) not in (2, 4) or any(c not in "0123456789ABCDEF" for c in element):
        raise Invalid("element", _("要素标识符是 2 或 4 位十六进制数，如 26、39、F4"))
    end = now.replace(minute=0, second=0, microsecond=0)
    begin = end - timedelta(hours=int(hours))
    return {"begin": begin.isoformat(), "end": end.isoformat(), "element": element}


@command("sensing.ask", permission="sensing.ask")
def ask(
    actor: Actor, device: Device, *, what: str, details: Mapping[str, str] | None = None, now: datetime
) -> StationCommand:
    """Queue a request to a station. Raises Invalid for an unknown one, Conflict while the same one is still open or the
    device is out of use."""
    if what not in WORDS:
        raise Invalid("what", _("没有这种下发：%(what)s") % {"what": what})
    if what in PERMISSION:
        actor.require(PERMISSION[what])
    if device.disabled_at is not None:
        raise Conflict("sensing.disabled", _("设备已停用"), _("先恢复使用"))
    if StationCommand.objects.filter(device=device, what=what, state__in=OPEN, expires_at__gt=now).exists():
        raise Conflict("sensing.asked", _("同样的下发还没有结果"), _("等它应答或过期"))
    asked = StationCommand.objects.create(
        device=device, what=what, details=dict(details or {}), by=actor.label[:120], asked_at=now,
        expires_at=now + WAITS, due_at=now,
    )  # fmt: skip
    _record(actor, "sensing.asked", asked, now)
    return asked


def take_due(
    protocol: str, connected: Callable[[str], object | None], *, owner: str, now: datetime
) -> list[StationCommand]:
    """Requests to send now: due, and `connected` knows a way to the station's address. Held for a few seconds."""
    due = StationCommand.objects.filter(device__protocol=protocol, state__in=OPEN, due_at__lte=now, expires_at__gt=now)
    rows = list(due.values_list("id", "device__address"))
    ready = [number for number, address in rows if connected(address) is not None]
    if not ready:
        return []
    held = claim(StationCommand.objects.filter(id__in=ready), owner=owner, now=now, lease_s=LEASE_S, limit=100)
    return list(StationCommand.objects.filter(id__in=[one.id for one in held]).select_related("device"))


def still_open() -> bool:
    """Whether anything is asked at all: looked at before a transaction is opened for it."""
    return StationCommand.objects.filter(state__in=OPEN).exists()


@command("sensing.mark_sent")
def mark_sent(_actor: Actor, asked: StationCommand, *, key: str, now: datetime) -> None:
    """It is on the wire. After the last try the row waits for an answer only; no journal line for each try."""
    tries = asked.tries + 1
    StationCommand.objects.filter(id=asked.id, state__in=OPEN).update(
        state="sent", key=key, tries=tries, sent_at=now, lease_until=None, lease_owner="",
        due_at=now + AGAIN if tries < TRIES else None,
    )  # fmt: skip


@command("sensing.answered")
def answered(
    actor: Actor, *, protocol: str, address: str, key: str, answer: Mapping[str, object], now: datetime
) -> StationCommand | None:
    """A station answered. None where nobody asked, or it has answered already."""
    asked = (
        StationCommand.objects.select_for_update()
        .filter(device__protocol=protocol, device__address=address, key=key, state="sent")
        .order_by("-id")
        .first()
    )
    if asked is None:
        return None
    asked.state, asked.answered_at, asked.answer, asked.due_at = "answered", now, dict(answer), None
    asked.save(update_fields=["state", "answered_at", "answer", "due_at"])
    _record(actor, "sensing.answered", asked, now)
    return asked


@command("sensing.give_up")
def give_up(actor: Actor, *, now: datetime) -> int:
    """Close what expired, or was sent as often as it may and not answered. Returns how many."""
    closed = 0
    silent = now - AGAIN
    for asked in StationCommand.objects.filter(state__in=OPEN).select_related("device__place"):
        if asked.expires_at <= now:
            reason = "never_connected" if asked.sent_at is None else "no_answer"
        elif asked.due_at is None and asked.sent_at is not None and asked.sent_at <= silent:
            reason = "no_answer"
        else:
            continue
        asked.state, asked.reason, asked.due_at = "failed", reason, None
        asked.save(update_fields=["state", "reason", "due_at"])
        _record(actor, "sensing.unanswered", asked, now)
        closed += 1
    return closed


def _record(actor: Actor, kind: str, asked: StationCommand, now: datetime) -> None:
    place = asked.device.place
    by = actor if actor.mode == place.mode else system_actor("gateway", Mode(place.mode))
    data = {"device": str(asked.device_id), "what": asked.what, "command": asked.id}
    record(
        by, kind, subject=f"device:{asked.device_id}", now=now, area=place.area_code, place=place.id, data=data
    )  # fmt: skip
