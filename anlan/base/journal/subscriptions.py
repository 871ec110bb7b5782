"""Upward news: a slice subscribes to kinds of entries and hears of each at least once, in order, sealed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from anlan.kernel.registry import Registry

from .commands import writing
from .models import Cursor, Entry, Parked

Handler = Callable[[Entry], None]
PARK_AFTER = 8
BATCH = 200
log = logging.getLogger("anlan.journal")


@dataclass(frozen=True)
class Subscription:
    """kinds: exact kinds, or "slice.*" for all of a slice."""

    name: str
    kinds: tuple[str, ...]
    handler: Handler

    def wants(self, kind: str) -> bool:
        return kind in self.kinds or f"{kind.split('.')[0]}.*" in self.kinds


SUBSCRIPTIONS: Registry[Subscription] = Registry("subscription")


def subscribe(name: str, *kinds: str) -> Callable[[Handler], Handler]:
    """Register a listener under a durable name. The handler is called at least once an entry: it must be idempotent."""

    def wrap(handler: Handler) -> Handler:
        SUBSCRIPTIONS.add(name, Subscription(name, kinds, handler))
        return handler

    return wrap


def deliver(subscription: Subscription) -> int:
    """Hand the sealed entries behind the cursor to one subscription; return how many were read.

    A handler that raises is tried again with growing pauses (1 s, 2 s, 4 s …); after PARK_AFTER tries the entry is
    parked, where people see it, and the subscription goes on: one bad entry must not silence the ones behind it.
    """
    cursor, _ = Cursor.objects.get_or_create(name=subscription.name)
    if cursor.retry_at and cursor.retry_at > datetime.now(UTC):
        return 0
    entries = list(Entry.objects.sealed().filter(offset__gt=cursor.offset)[:BATCH])
    read = 0
    for entry in entries:
        offset = entry.offset or 0
        if subscription.wants(entry.kind):
            try:
                subscription.handler(entry)
            except Exception as error:
                log.exception("subscription %s failed at offset %s", subscription.name, offset)
                if not _failed(cursor, entry, error):
                    break
        cursor.offset, cursor.failures, cursor.retry_at = offset, 0, None
        read += 1
        if subscription.wants(entry.kind):
            _advance(cursor)
    if read:
        _advance(cursor)
    return read


def _advance(cursor: Cursor) -> None:
    with writing():
        cursor.save()


def _failed(cursor: Cursor, entry: Entry, error: Exception) -> bool:
    """Count a failure. True when the entry was parked and the cursor may pass it."""
    now = datetime.now(UTC)
    with writing():
        cursor.failures += 1
        cursor.retry_at = now + timedelta(seconds=min(2 ** (cursor.failures - 1), 60))
        cursor.save()
        if cursor.failures < PARK_AFTER:
            return False
        Parked.objects.create(
            subscription=cursor.name, offset=entry.offset or 0, error=f"{type(error).__name__}: {error}", parked_at=now
        )
    return True


def deliver_all() -> int:
    """One round over all subscriptions."""
    return sum(deliver(subscription) for subscription in SUBSCRIPTIONS.values())
