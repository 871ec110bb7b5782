"""What the gateway knows of connections, written down every few seconds: who was in touch, whose clock is wrong, who
floods, which address calls from two places; and the pictures and texts that stations send. The only writers of these.

Never: a row, or a transaction, for each frame.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import connections, transaction

from anlan.base.journal.commands import command, record
from anlan.kernel.actor import Actor

from .models import Attachment, Contact, Device, Trouble
from .router import readings_alias

UPDATE = (
    "UPDATE sensing_contact SET at = %s, peer = %s, frames = frames + %s, offset_ms = COALESCE(%s, offset_ms),"
    " slowed = slowed + %s WHERE device = %s"
)
ENDINGS = {"picture": "jpg", "text": "txt"}


@dataclass(slots=True)
class Touched:
    """What became known of one device since the last writing. device: its id; frames, slowed: so many more."""

    device: str
    at: datetime
    peer: str
    frames: int = 0
    offset_ms: int | None = None
    slowed: int = 0


@dataclass(slots=True)
class Found:
    """Something wrong with a connection, `count` times since the last writing."""

    kind: str
    protocol: str
    address: str
    peer: str
    other_peer: str
    first_at: datetime
    last_at: datetime
    count: int = 1


def write_contacts(touched: Sequence[Touched]) -> None:
    """Bring the contacts up to date, one transaction in the readings database. No journal line: it is no state."""
    alias = readings_alias()
    connection, field = connections[alias], Contact._meta.get_field("device")
    by_device = {UUID(one.device): one for one in touched}
    with transaction.atomic(using=alias):
        held = set(Contact.objects.using(alias).filter(device__in=by_device).values_list("device", flat=True))
        Contact.objects.using(alias).bulk_create(
            Contact(device=key, at=one.at, peer=one.peer[:80], frames=one.frames, offset_ms=one.offset_ms,
                    slowed=one.slowed)
            for key, one in by_device.items()
            if key not in held
        )  # fmt: skip
        changed = [
            (connection.ops.adapt_datetimefield_value(one.at), one.peer[:80], one.frames, one.offset_ms, one.slowed,
             field.get_db_prep_value(key, connection))
            for key, one in by_device.items()
            if key in held
        ]  # fmt: skip
        if changed:  # one prepared statement: thousands of devices are a matter of milliseconds
            with connection.cursor() as cursor:
                cursor.executemany(UPDATE, changed)


@command("sensing.note_trouble")
def note_trouble(actor: Actor, found: Found) -> Trouble:
    """Count a trouble; the journal hears of it when it is new, or comes again after an hour of quiet."""
    row, new = Trouble.objects.get_or_create(
        kind=found.kind, protocol=found.protocol, address=found.address[:64], peer=found.peer[:80],
        defaults={"first_at": found.first_at, "last_at": found.last_at, "other_peer": found.other_peer[:80]},
    )  # fmt: skip
    quiet = not new and (found.first_at - row.last_at).total_seconds() > QUIET_S
    row.count += found.count
    row.last_at, row.other_peer = max(row.last_at, found.last_at), found.other_peer[:80]
    row.save(update_fields=["count", "last_at", "other_peer"])
    if new or quiet:
        device = Device.objects.filter(protocol=found.protocol, address=found.address).select_related("place").first()
        record(
            actor, f"sensing.{found.kind}", subject=f"device:{device.id}" if device else f"trouble:{row.id}",
            now=found.last_at, area=device.place.area_code if device else "",
            place=device.place_id if device else None,
            data={"protocol": found.protocol, "address": found.address, "kind": found.kind},
        )  # fmt: skip
    return row


QUIET_S = 3600


@command("sensing.keep_attachment")
def keep_attachment(
    actor: Actor, *, device: Device, kind: str, content: bytes, taken_at: datetime | None, now: datetime
) -> Attachment:
    """Keep a file that a station sent; the same one again is the same row."""
    digest = hashlib.sha256(content).hexdigest()
    standing = Attachment.objects.filter(device=device, sha256=digest, taken_at=taken_at).first()
    if standing is not None:
        return standing
    kept = Attachment(
        device=device, kind=kind, taken_at=taken_at, received_at=now, sha256=digest, size=len(content)
    )  # fmt: skip
    kept.file.save(f"{kept.id}.{ENDINGS.get(kind, 'bin')}", ContentFile(content), save=False)
    kept.save(force_insert=True)
    data = {"device": str(device.id), "attachment": str(kept.id), "kind": kind, "size": len(content)}
    record(
        actor, "sensing.attachment_kept", subject=f"device:{device.id}", now=now, area=device.place.area_code,
        place=device.place_id, data=data,
    )  # fmt: skip
    return kept
