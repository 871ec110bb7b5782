"""Reads of devices and readings. What is not known is None, never zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from django.db.models import QuerySet

from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.judging.kernel import SeriesSpec
from anlan.kernel.judging.oracle import increments
from anlan.kernel.judging.packs import SourceMetric, SourcePack
from anlan.kernel.packs import load_family

from .blocks import GOOD
from .latest import MARK as LATEST
from .models import Device, Latest, Mark, Quarantine, Series
from .reader import readings_between
from .router import readings_alias

STALE_INTERVALS = 3  # a value older than this many reporting intervals is shown as unknown
DEFAULT_INTERVAL_MIN = 60.0
FAR_BACK = timedelta(days=1)  # a counter that was silent for longer begins anew: its first step is not known


@dataclass(frozen=True)
class LatestValue:
    """The newest value of one metric of one place. known: False = too old or never sent; then the value is only the
    last one heard. age_s: seconds since it was measured, None = never."""

    place_id: str
    place_code: str
    metric: str
    value: float | None
    at: datetime | None
    age_s: float | None
    known: bool


@cache
def source_packs() -> dict[str, SourcePack]:
    """Source packs by metric."""
    return {pack.metric: pack for pack in load_family("sources", SourcePack).values()}


def stale_after(place: Place) -> timedelta:
    """After how long without a reading a place is unknown."""
    return STALE_INTERVALS * timedelta(minutes=float(place.attributes.get("interval_min", DEFAULT_INTERVAL_MIN)))


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def newest_block() -> int:
    """Number of the newest block that the latest values hold, 0 = none: pages ask whether there is anything new."""
    return Mark.objects.using(readings_alias()).filter(name=LATEST).values_list("block", flat=True).first() or 0


def visible_quarantine(actor: Actor) -> QuerySet[Quarantine]:
    """Stations that call and are not admitted. They belong to no area yet: whoever may admit sees them, others none."""
    return Quarantine.objects.all() if actor.may("sensing.admit") else Quarantine.objects.none()


def devices(actor: Actor) -> list[Device]:
    """Devices in use, by address."""
    return list(Device.objects.visible_to(actor).in_use().select_related("place").order_by("address"))


def place_values(
    actor: Actor, place: Place, metric: str, start: datetime, end: datetime
) -> list[tuple[datetime, float | None]]:
    """A metric of a place as it is judged: rain as what fell with each reading (mm), never two elements together."""
    return places_values(actor, [place], metric, start, end)[place.id]


def places_values(
    actor: Actor, places: Iterable[Place], metric: str, start: datetime, end: datetime
) -> dict[UUID, list[tuple[datetime, float | None]]]:
    """`place_values` of many places in one pass over the blocks; a place that has none, or is not seen, is empty."""
    asked = {place.id: place for place in places}
    out: dict[UUID, list[tuple[datetime, float | None]]] = {number: [] for number in asked}
    chosen = _truths(list(visible_places(actor).filter(id__in=asked).values_list("id", flat=True)), metric)
    pack = source_packs()[metric]
    back = max((stale_after(asked[place_id]) for place_id in chosen), default=timedelta(0))
    held = readings_between([number for number, _source in chosen.values()], ms(start - back), ms(end))
    counters = {number for number, source in chosen.values() if source.counter}
    orphans = [n for n, values in held.items() if n in counters and values and values[0][0] > ms(start)]
    before = readings_between(orphans, ms(start - FAR_BACK), ms(start - back))  # it came back after a gap
    for place_id, (number, source) in chosen.items():
        values = before.get(number, []) + held[number]
        if source.counter:
            whole = [(at, round(value * pack.scale)) for at, value in values if value is not None]
            spec = SeriesSpec(0, True, round(source.modulus * pack.scale), round(source.most * pack.scale))
            values = [(at, step / pack.scale) for at, step in increments(spec, whole)]
        out[place_id] = [(moment(at), value) for at, value in values if at > ms(start)]
    return out


def truth(place: Place, metric: str) -> tuple[int, SourceMetric] | None:
    """Number of the stored series that tells a metric of a place, and how it counts; None = it does not measure it."""
    return _truths([place.id], metric).get(place.id)


def _truths(places: list[UUID], metric: str) -> dict[UUID, tuple[int, SourceMetric]]:
    """By place: the number of the stored series that a source pack says is the truth, and how it counts."""
    stored: dict[UUID, dict[str, int]] = {}
    series = Series.objects.filter(device__place__in=places).values_list("device__place_id", "metric", "id")
    for place_id, name, number in series:
        stored.setdefault(place_id, {})[name] = number
    found: dict[UUID, tuple[int, SourceMetric]] = {}
    for place_id, names in stored.items():
        source = next((one for one in source_packs()[metric].sources if one.metric in names), None)
        if source is not None:
            found[place_id] = names[source.metric], source
    return found


def latest_values(
    actor: Actor, now: datetime, metrics: Iterable[str] = ("rain", "stage"), place: Place | None = None
) -> list[LatestValue]:
    """The newest value of each metric of each place (or of one) with a device; known is False where stale or unheard.

    For a metric with a source pack the raw element that is its truth is given (rain: the accumulated value).
    """
    out = []
    stored: dict[tuple[str, str], int] = {
        (str(place), metric): number
        for place, metric, number in Series.objects.values_list("device__place_id", "metric", "id")
    }
    newest = {row.series: row for row in Latest.objects.using(readings_alias()).all()}
    for device in devices(actor):
        if place is not None and device.place_id != place.id:
            continue
        out += _latest_of(device.place, now, metrics, stored, newest)
    return out


def _latest_of(
    place: Place, now: datetime, metrics: Iterable[str], stored: dict[tuple[str, str], int], newest: dict[int, Latest]
) -> list[LatestValue]:
    out = []
    for metric in metrics:
        pack = source_packs().get(metric)
        names = [source.metric for source in pack.sources] if pack else [metric]
        number = next((stored[(str(place.id), n)] for n in names if (str(place.id), n) in stored), None)
        if number is None and metric not in _expected(place.kind):
            continue
        row = newest.get(number) if number is not None else None
        age = None if row is None else now.timestamp() - row.at_ms / 1000
        known = age is not None and row is not None and row.quality == GOOD
        known = known and age is not None and age <= stale_after(place).total_seconds()
        out.append(
            LatestValue(
                str(place.id),
                place.code,
                metric,
                row.value if row else None,
                moment(row.at_ms) if row else None,
                age,
                known,
            )
        )
    return out


def _expected(kind: str) -> tuple[str, ...]:
    return {"rain_gauge": ("rain",), "river_station": ("stage",)}.get(kind, ())


@dataclass(frozen=True)
class DeviceState:
    """When a device was last heard of at all, by event time. at: None = never. known: within three of its intervals."""

    at: datetime | None
    known: bool


def device_states(actor: Actor, now: datetime) -> dict[UUID, DeviceState]:
    """How each device that the actor sees stands now, whatever it measures."""
    newest = dict(Latest.objects.using(readings_alias()).values_list("series", "at_ms"))
    heard: dict[UUID, int] = {}
    for device_id, number in Series.objects.values_list("device_id", "id"):
        if number in newest:
            heard[device_id] = max(heard.get(device_id, 0), newest[number])
    out = {}
    for device in devices(actor):
        at = heard.get(device.id)
        known = at is not None and now - moment(at) <= stale_after(device.place)
        out[device.id] = DeviceState(None if at is None else moment(at), known)
    return out
