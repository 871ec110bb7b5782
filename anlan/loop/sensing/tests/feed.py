"""Readings for tests, stored as the gateway stores them: a block, and the newest value of the series."""

from datetime import datetime

from anlan.base.places.models import Place
from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.loop.sensing.blocks import GOOD, columns_of
from anlan.loop.sensing.commands import open_series, register_device, store_block
from anlan.loop.sensing.latest import derive_latest
from anlan.loop.sensing.queries import ms

SYSTEM = system_actor("test", Mode.DRILL)


def hear(place: Place, metric: str, readings: list[tuple[datetime, float]], now: datetime) -> None:
    """A station says these values of a raw element, in order."""
    device = register_device(SYSTEM, protocol="sl651", address=place.attributes["station"], place=place, now=now)
    number = open_series(SYSTEM, device=device, metric=metric).id
    rows = [(number, ms(at), value, GOOD) for at, value in readings]
    store_block(columns_of(rows), source="test", now=now)
    derive_latest()
