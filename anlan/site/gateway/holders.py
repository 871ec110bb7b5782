"""Who may push readings: tokens and their devices as the gateway knows them, and how much each may send.

Read again when the journal says that a token or a device changed, within a second. Never: a token in clear.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from anlan.base.journal.models import Entry
from anlan.links.ingest.shape import Name
from anlan.loop.alarms.pipeline import Pipeline
from anlan.loop.sensing.models import Device, Token
from anlan.loop.sensing.parcels import Table
from anlan.loop.sensing.tokens import digest

CHANGES = (
    "sensing.token_issued", "sensing.token_revoked", "sensing.device_registered", "sensing.device_disabled",
    "sensing.device_reinstated",
)  # fmt: skip
BURST_S = 10.0
TABLES = 64
"""Tables of names that are remembered of one sender."""


@dataclass(slots=True)
class Bucket:
    """So much a second on average, at once as much as ten seconds of it. Filled by real time."""

    per_s: float
    left: float = field(default=0.0)
    at: float = field(default=0.0)

    def wait_s(self) -> float:
        """Seconds until something may be taken, 0 = now."""
        now = time.monotonic()
        self.left = min(self.per_s * BURST_S, self.left + (now - self.at) * self.per_s) if self.at else self.most
        self.at = now
        return 0.0 if self.left > 0 else -self.left / self.per_s

    @property
    def most(self) -> float:
        return self.per_s * BURST_S

    def take(self, amount: float) -> None:
        self.left -= amount


class Foreign(Exception):
    """Names of devices that are not the holder's; args: their positions."""


@dataclass(slots=True)
class Holder:
    """One token: the devices it speaks for, by address in capitals, and what it may send."""

    key: str
    devices: dict[str, UUID]
    requests: Bucket
    readings: Bucket
    tables: "OrderedDict[bytes, Table]" = field(default_factory=OrderedDict)

    def table(self, names: list[Name], written: bytes) -> Table:
        """The names of a body as devices and metrics. Raises Foreign."""
        found = self.tables.get(written) if written else None
        if found is not None:
            self.tables.move_to_end(written)
            return found
        own = next(iter(self.devices.values())) if len(self.devices) == 1 else None
        held = [(own if not address else self.devices.get(address), metric) for address, metric in names]
        if any(device is None for device, _metric in held):
            raise Foreign([n for n, (device, _metric) in enumerate(held) if device is None])
        table = Table([(device, metric) for device, metric in held if device is not None])
        if written:
            self.tables[written] = table
            if len(self.tables) > TABLES:
                self.tables.popitem(last=False)
        return table


class Holders:
    """All tokens by hash. `find` is for the event loop, `reload` for the pipeline's thread."""

    def __init__(self, pipeline: Pipeline, *, requests_per_s: float, readings_per_s: float) -> None:
        self.pipeline = pipeline
        self.requests_per_s, self.readings_per_s = requests_per_s, readings_per_s
        self.known: dict[str, Holder] = {}
        self.revoked: frozenset[str] = frozenset()
        self.change = ""

    def find(self, token: str) -> Holder | None:
        return self.known.get(digest(token))

    def was_revoked(self, token: str) -> bool:
        return digest(token) in self.revoked

    def reload(self, now: datetime) -> None:
        """Read the tokens again, if something about them changed. A holder that stays keeps its limits."""
        newest = Entry.objects.filter(kind__in=CHANGES).order_by("-id").values_list("id", flat=True).first()
        if str(newest) == self.change:
            return
        devices: dict[UUID, dict[str, UUID]] = {}
        complete = True
        rows = Device.objects.in_use().filter(tokens__revoked_at=None).exclude(tokens=None)
        for token, device, address in rows.values_list("tokens", "id", "address"):
            if device in self.pipeline.by_id:
                devices.setdefault(token, {})[address] = device
            else:
                complete = False  # the pipeline hears of the device within two seconds
        known = {}
        for token_id, hash_ in Token.objects.filter(revoked_at=None).values_list("id", "digest"):
            old = self.known.get(hash_)
            known[hash_] = Holder(
                str(token_id),
                devices.get(token_id, {}),
                old.requests if old else Bucket(self.requests_per_s),
                old.readings if old else Bucket(self.readings_per_s),
            )
        self.known = known
        self.revoked = frozenset(Token.objects.exclude(revoked_at=None).values_list("digest", flat=True))
        if complete:
            self.change = str(newest)
