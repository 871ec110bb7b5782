"""Sealing and verification: one worker numbers the lines without gap and chains their hashes."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .commands import writing
from .models import Entry, Head
from .rules import GENESIS, seal

BATCH = 500
log = logging.getLogger("anlan.journal")


def line_of(entry: Entry, offset: int) -> dict[str, object]:
    """What is sealed of an entry: every column but the hash itself."""
    return {
        "offset": offset,
        "id": str(entry.id),
        "kind": entry.kind,
        "subject": entry.subject,
        "actor": entry.actor,
        "account": entry.account_id,
        "area": entry.area,
        "place": str(entry.place_id or ""),
        "case": str(entry.case_id or ""),
        "mode": str(entry.mode),
        "happened_at": entry.happened_at.astimezone(UTC).isoformat(),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
        "data": entry.data,
    }


def seal_batch() -> int:
    """Seal up to BATCH unsealed lines and return how many.

    The head row is moved first, by an UPDATE that names its old offset: a second sealer that lost the race changes
    nothing. The unsealed are selected, never "id > last": rows commit out of order.
    """
    with writing():
        head, _ = Head.objects.get_or_create(id=1)
        entries = list(Entry.objects.unsealed()[:BATCH])
        if not entries:
            return 0
        previous, offset = head.hash or GENESIS, head.offset
        for entry in entries:
            offset += 1
            entry.offset = offset
            previous = entry.hash = seal(previous, line_of(entry, offset))
        moved = Head.objects.filter(id=1, offset=head.offset).update(
            offset=offset, hash=previous, sealed_at=datetime.now(UTC)
        )
        if moved != 1:
            return 0
        Entry.objects.bulk_update(entries, ["offset", "hash"], batch_size=100)
    return len(entries)


@dataclass(frozen=True)
class Fault:
    """One broken promise: at which offset, and what is wrong."""

    offset: int
    what: str


@dataclass(frozen=True)
class Verification:
    sealed: int
    unsealed: int
    faults: tuple[Fault, ...]


def verify() -> Verification:
    """Walk the whole chain. Finds a line that was altered, removed, inserted or moved, and a cut tail."""
    head = Head.objects.filter(id=1).first()
    faults = list(_walk(head.offset if head else 0, head.hash if head else GENESIS))
    return Verification(Entry.objects.sealed().count(), Entry.objects.unsealed().count(), tuple(faults))


def _walk(head_offset: int, head_hash: str) -> Iterator[Fault]:
    previous, expected = GENESIS, 1
    for entry in Entry.objects.sealed().iterator(chunk_size=2000):
        offset = entry.offset or 0
        if offset != expected:
            yield Fault(expected, f"缺第 {expected} 至 {offset - 1} 行（被删除）" if offset > expected else "行号重复")
            expected = offset
        wanted = seal(previous, line_of(entry, offset))
        if wanted != entry.hash:
            yield Fault(offset, "内容与封存时不符（被改动或被插入）")
        previous, expected = entry.hash, expected + 1
    if expected - 1 < head_offset:
        yield Fault(expected, f"末尾缺第 {expected} 至 {head_offset} 行（被删除）")
    elif previous != head_hash:
        yield Fault(expected - 1, "末行与封存头不符")
