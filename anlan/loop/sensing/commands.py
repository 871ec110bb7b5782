"""The only writers of devices and readings. Blocks are written by the gateway alone, each in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction

from anlan.base.journal.commands import command, record
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Invalid

from .blocks import MANUAL, WITHDRAWN, Columns, pack, unpack
from .models import Block, Device, Quarantine, Receipt, Series, Snapshot
from .router import readings_alias

KEEP_SNAPSHOTS = 2
KEEP_RECEIPTS = timedelta(days=3)
REST = "*"
QUARANTINED = 2000  # addresses of strangers that are kept apart; more are made up
KEEP_FRAME = 4096  # hex digits of an unknown station's last frame


@command("sensing.register_device", permission="places.write")
def register_device(
    actor: Actor, *, protocol: str, address: str, place: Place, password: str = "", now: datetime
) -> Device:
    """Admit a station under its address. Again with the same place changes nothing. Raises Invalid when it is taken."""
    address = address.upper()
    standing = Device.objects.filter(protocol=protocol, address=address).first()
    if standing is not None:
        if standing.place_id != place.id:
            raise Invalid("address", f"站地址 {address} 已登记给别的对象", "先核对站地址，或停用原设备")
        return standing
    device = Device.objects.create(
        protocol=protocol, address=address, place=place, password=password.upper(), mode=place.mode, admitted_at=now
    )
    Quarantine.objects.filter(protocol=protocol, address=address).delete()
    record(
        actor,
        "sensing.device_registered",
        subject=f"device:{device.id}",
        now=now,
        area=place.area_code,
        place=place.id,
        data={"device": str(device.id), "protocol": protocol, "address": address},
    )
    return device


@command("sensing.quarantine")
def quarantine(
    actor: Actor, *, protocol: str, address: str, reason: str, frame: bytes, peer: str, count: int, now: datetime,
    password: str = "",
) -> Quarantine:  # fmt: skip
    """A station called that is not admitted (reason "unknown") or says another password ("password").

    Where QUARANTINED addresses are kept already somebody makes them up: the rest is counted as one, REST."""
    if Quarantine.objects.count() >= QUARANTINED:
        address = address if Quarantine.objects.filter(protocol=protocol, address=address).exists() else REST
    seen, new = Quarantine.objects.get_or_create(
        protocol=protocol,
        address=address,
        defaults={"reason": reason, "first_seen": now, "last_seen": now, "last_frame": "", "peer": peer},
    )
    seen.count += count
    seen.reason, seen.last_seen, seen.peer, seen.last_frame = reason, now, peer[:80], frame.hex()[:KEEP_FRAME]
    seen.password = password.upper()[:64]
    seen.save(update_fields=["count", "reason", "last_seen", "peer", "last_frame", "password"])
    if new:
        record(
            actor,
            "sensing.quarantined",
            subject=f"quarantine:{seen.id}",
            now=now,
            data={"protocol": protocol, "address": address, "reason": reason},
        )
    return seen


@command("sensing.open_series")
def open_series(_actor: Actor, *, device: Device, metric: str) -> Series:
    """The series of a metric that a device sends for the first time."""
    return Series.objects.get_or_create(device=device, metric=metric)[0]


def store_block(columns: Columns, *, source: str, now: datetime, receipts: Sequence[Receipt] = ()) -> int:
    """Commit one micro-batch, and the receipts of what is in it; returns the block's number.

    The journal has no line for readings: the block is the record.
    """
    alias = readings_alias()
    with transaction.atomic(using=alias):
        block = Block.objects.using(alias).create(
            arrived_at=now,
            source=source,
            count=len(columns),
            first_ms=int(columns.times.min()),
            last_ms=int(columns.times.max()),
            packed=pack(columns),
        )
        if receipts:
            Receipt.objects.using(alias).bulk_create(receipts)
    return block.id


def forget_receipts(now: datetime) -> int:
    """Drop the keys of deliveries that nobody will send again; returns how many, at most some thousand at a time."""
    alias = readings_alias()
    old = Receipt.objects.using(alias).filter(at__lt=now - KEEP_RECEIPTS).values_list("key", flat=True)[:5000]
    return Receipt.objects.using(alias).filter(key__in=list(old)).delete()[0]


def withdraw_from_blocks(source: str, since: datetime) -> list[int]:
    """Mark what was entered by hand in the blocks of a source as withdrawn, so that a replay leaves it out; returns the
    series. Pages learn it from the block that says what stands instead. since: when the source was entered."""
    alias = readings_alias()
    numbers: set[int] = set()
    for block in Block.objects.using(alias).filter(arrived_at__gte=since, source=source):
        columns = unpack(bytes(block.packed))
        by_hand = columns.quality == MANUAL
        columns.quality = np.where(by_hand, np.int8(WITHDRAWN), columns.quality)
        numbers |= set(columns.series.tolist())
        Block.objects.using(alias).filter(id=block.id).update(packed=pack(columns))
    return sorted(numbers)


def drop_snapshots() -> None:
    """The kernel's kept states know readings that do not stand any more: the next start replays the blocks."""
    Snapshot.objects.using(readings_alias()).all().delete()


def store_snapshot(state: bytes, *, block: int, plan: str, now: datetime) -> None:
    """Keep the kernel's state after a block; older ones than the last two are dropped."""
    alias = readings_alias()
    with transaction.atomic(using=alias):
        Snapshot.objects.using(alias).create(taken_at=now, block=block, plan=plan, state=state)
        kept = list(Snapshot.objects.using(alias).order_by("-id").values_list("id", flat=True)[:KEEP_SNAPSHOTS])
        Snapshot.objects.using(alias).exclude(id__in=kept).delete()
