"""A decoded body as a parcel of its sender's devices: whose it is, how much is new, what is left out.

The same for every way that bodies come in. Never: storage; the feed does that.
"""

import zlib
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from anlan.links.ingest import Body, BodyFault, Refusal, Tables, decode
from anlan.loop.alarms.pipeline import AHEAD
from anlan.loop.sensing.parcels import Parcel
from anlan.loop.sensing.queries import ms

from .feed import Feed
from .holders import Foreign, Holder

REFUSED_MAX = 100
"""Refused rows that an answer names; `refused_total` counts all."""


class Problem(Exception):
    """An answer that is no success. facts: what else the body says; headers: besides the usual ones."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        facts: dict[str, object] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body: dict[str, object] = {"code": f"ingest.{code}", "message": message} | (facts or {})


@dataclass(slots=True)
class Taken:
    """A decoded body on its way: what is stored, and the answer about it."""

    parcel: Parcel
    refused: list[Refusal] = field(default_factory=list)
    future: int = 0

    @property
    def status(self) -> int:
        return 207 if self.refused else 200

    def answer(self) -> dict[str, object]:
        named = [{"row": one.row, "field": one.field, "why": one.why} for one in self.refused[:REFUSED_MAX]]
        return {"stored": len(self.parcel), "future": self.future, "refused_total": len(self.refused), "refused": named}


class Taker:
    """Bodies of one way in; remembers tables of names. For the event loop."""

    def __init__(self, feed: Feed, series_max: int, body_max: int) -> None:
        self.feed, self.series_max, self.body_max = feed, series_max, body_max
        self.tables = Tables()

    def take(self, holder: Holder, data: bytes, content_type: str = "") -> Taken:
        """Raises Problem for what cannot be taken at all; rows that cannot are left out and named."""
        if len(data) > self.body_max:
            raise Problem(413, "too_large", f"{len(data)} bytes; at most {self.body_max}", {"limit": self.body_max})
        try:
            body = decode(data, content_type, self.tables)
        except BodyFault as fault:
            places = {"field": fault.field, "row": fault.row, "byte": fault.byte}
            facts = {name: value for name, value in places.items() if value not in ("", -1)}
            raise Problem(422, "body", fault.message, facts) from fault
        taken = self._own(holder, body, data)
        if not len(taken.parcel) and taken.refused:
            foreign = all(one.field == "device" and one.why.startswith("not") for one in taken.refused)
            raise Problem(403 if foreign else 422, "refused", "no row could be taken", taken.answer())
        return taken

    def _own(self, holder: Holder, body: Body, data: bytes) -> Taken:
        """Rows of other devices are left out, other bodies refused whole."""
        try:
            table = holder.table(body.names, body.table)
        except Foreign as foreign:
            if body.rows is None:
                address, metric = body.names[foreign.args[0][0]]
                facts = {"field": "s", "name": f"{address}/{metric}"}
                raise Problem(403, "device", _foreign(address), dict(facts)) from foreign
            body = _without(body, foreign.args[0])
            table = holder.table(body.names, b"")
        if table.numbers is None:
            self._few_enough(table.names)
        parcel = Parcel(table, body.index, body.times, body.values, f"{holder.key}:{len(data)}:{zlib.crc32(data)}")
        future = int(np.count_nonzero(body.times > ms(self.feed.clock.now() + AHEAD)))
        return Taken(parcel, body.refused, future)

    def _few_enough(self, names: list[tuple[UUID, str]]) -> None:
        """A sender that makes up a metric for each reading would fill the tables."""
        known = self.feed.pipeline.series
        new: dict[UUID, set[str]] = {}
        for device, metric in names:
            if metric not in known.get(device, {}):
                new.setdefault(device, set()).add(metric)
        for device, metrics in new.items():
            if len(known.get(device, {})) + len(metrics) > self.series_max:
                raise Problem(422, "series", f"a device may have {self.series_max} metrics", {"field": "metric"})


def _without(body: Body, foreign: list[int]) -> Body:
    """The rows of own devices; the others are refused by name."""
    assert body.rows is not None
    out = np.isin(body.index, foreign)
    refused = [
        Refusal(row, "device", _foreign(body.names[n][0]))
        for row, n in zip(body.rows[out].tolist(), body.index[out].tolist(), strict=True)
    ]
    place = {old: new for new, old in enumerate(n for n in range(len(body.names)) if n not in set(foreign))}
    index = np.array([place[n] for n in body.index[~out].tolist()], np.int32)
    return Body(
        [body.names[n] for n in place], index, body.times[~out], body.values[~out],
        sorted([*body.refused, *refused], key=lambda one: one.row), body.rows[~out],
    )  # fmt: skip


def _foreign(address: str) -> str:
    return f"not a device of this token: {address}" if address else "not clear whose: this token has several devices"
