"""Stations for tests of the hot path: messages as a protocol hands them over, and a pipeline that takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anlan.kernel.modes import Mode
from anlan.loop.alarms.judging import Judge
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.pipeline import Pipeline
from anlan.loop.sensing.commands import register_device
from anlan.loop.sensing.queries import ms
from tests.cast import NOW, SYSTEM, Cast

ACCUMULATED = "rain.accumulated"


@dataclass
class Said:
    metric: str
    at_ms: int
    value: float | None


@dataclass
class Told:
    station: str
    key: str
    samples: Sequence[Said] = field(default_factory=list)
    password: str = "1234"
    raw: bytes = b"\x7e\x7e"
    error: str = ""


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def says(gauge: int, minutes: float, value: float | None, metric: str = ACCUMULATED) -> Told:
    """Gauge YL<gauge> tells one value, measured so many minutes after NOW."""
    return Told(f"140427000{gauge}", f"32:{minutes}:{metric}", [Said(metric, ms(at(minutes)), value)])


def admit(cast: Cast) -> None:
    """Gauges 1–3 are registered; gauge 3 has a password of its own."""
    for n in (1, 2, 3):
        register_device(SYSTEM, protocol="sl651", address=f"140427000{n}", place=cast.places[f"YL{n}"],
                        password="ABCD" if n == 3 else "", now=NOW)  # fmt: skip


def started(now: datetime = NOW) -> Pipeline:
    """A gateway's pipeline, as it stands after a start."""
    pipeline = Pipeline(Judge(), Mode.DRILL)
    pipeline.load(now)
    pipeline.turn(now)
    return pipeline


def run(pipeline: Pipeline, messages: Sequence[Told], now: datetime = NOW) -> list[bool]:
    pipeline.replan_from = 0.0  # a station's first word is planned at once, however long the last plan took
    return pipeline.run("sl651", messages, ["10.0.0.8:4711"] * len(messages), now)


def standing() -> list[tuple[str, int, str]]:
    """(place code, level in force, state) of every alarm, open ones and cleared ones."""
    rows = Alarm.objects.select_related("place").order_by("place__code", "raised_at")
    return [(alarm.place.code, alarm.level, alarm.state.value) for alarm in rows]
