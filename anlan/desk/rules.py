"""The order of the desk: people at risk × time left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

GRACE_S = 60.0


@dataclass(frozen=True)
class Item:
    """One thing that waits for the duty officer.

    kind: call, door, alarm, eased, task or silent. due_at: by when; None = no deadline (silence: see `since`).
    act: words of its button; url: where it leads; ask: what a button that acts at once must have confirmed.
    """

    kind: str
    level: int
    title: str
    why: str
    people: int
    due_at: datetime | None
    since: datetime
    url: str
    act: str
    post_url: str = ""
    ask: str = ""

    @property
    def key(self) -> str:
        """The same for the same thing each time the queue is drawn: the row that is chosen stays chosen."""
        return f"q{crc32(f'{self.kind} {self.title} {self.post_url or self.url}'.encode()):08x}"


def weight(item: Item, now: datetime) -> float:
    """How much harm a minute of waiting may do: people at risk over the time left; late counts as no time left."""
    left = (item.due_at - now).total_seconds() if item.due_at else 3600.0
    return (item.people + 1) * (1 + item.level) / max(left, GRACE_S)


def ordered(items: Iterable[Item], now: datetime) -> list[Item]:
    """Late ones first, then by weight; of equals the older one."""

    def key(item: Item) -> tuple[bool, float, datetime]:
        late = item.due_at is not None and item.due_at < now
        return (not late, -weight(item, now), item.since)

    return sorted(items, key=key)


def share(item: Item, now: datetime) -> int:
    """Percent of the time that is used up, for the bar under the deadline."""
    if item.due_at is None:
        return 100
    whole = (item.due_at - item.since).total_seconds()
    return 100 if whole <= 0 else round(min(max((now - item.since).total_seconds() / whole, 0.03), 1) * 100)
