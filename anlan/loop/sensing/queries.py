"""Reads of devices and readings. What is not known is None, never zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np

from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.judging.kernel import SeriesSpec
from anlan.kernel.judging.oracle import increments
from anlan.kernel.judging.packs import SourceMetric, SourcePack
from anlan.kernel.packs import load_family

from .blocks import GOOD, unpack
from .models import Block, Device, Latest, Quarantine, Series
from .router import readings_alias

STALE_INTERVALS = 3  # a value older than this many reporting intervals is shown as unknown
DEFAULT_INTERVAL_MIN = 60.0


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


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def newest_block() -> int:
    """Number of the newest block, 0 = none: pages ask whether there is anything new."""
    return Block.objects.using(readings_alias()).order_by("-id").values_list("id", flat=True).first() or 0


def quarantined() -> list[Quarantine]:
    """Stations that call and are not admitted, the latest first."""
    return list(Quarantine.objects.order_by("-last_seen"))


def devices(actor: Actor) -> list[Device]:
    return list(Device.objects.visible_to(actor).select_related("place").order_by("address"))


def readings_of(numbers: Iterable[int], start: datetime, end: datetime) -> dict[int, list[tuple[int, float | None]]]:
    """(event time in ms, value) by series, start < time ≤ end, in event order; a repeat counts as its last arrival."""
    wanted = list(numbers)
    low, high = ms(start), ms(end)
    held: dict[int, dict[int, float | None]] = {number: {} for number in wanted}
    blocks = Block.objects.using(readings_alias()).filter(last_ms__gt=low, first_ms__lte=high).order_by("id")
    for packed in blocks.values_list("packed", flat=True).iterator():
        columns = unpack(bytes(packed))
        mask = (
            np.isin(columns.series, wanted) & (columns.times > low) & (columns.times <= high) & (columns.quality <= 1)
        )
        for index in np.flatnonzero(mask):
            value = columns.values[index]
            held[int(columns.series[index])][int(columns.times[index])] = None if np.isnan(value) else float(value)
    return {number: sorted(values.items()) for number, values in held.items()}


def series_values(actor: Actor, series: Series, start: datetime, end: datetime) -> list[tuple[datetime, float | None]]:
    """One stored series, for a chart. Empty where the actor may not see its place."""
    if not Device.objects.visible_to(actor).filter(id=series.device_id).exists():
        return []
    return [(moment(at), value) for at, value in readings_of([series.id], start, end)[series.id]]


def truth(place: Place, metric: str) -> tuple[Series, SourceMetric] | None:
    """The stored series that a source pack says is the truth for a metric of a place; None = it has none."""
    stored = {series.metric: series for series in Series.objects.filter(device__place=place)}
    for source in source_packs()[metric].sources:
        if source.metric in stored:
            return stored[source.metric], source
    return None


def place_values(
    actor: Actor, place: Place, metric: str, start: datetime, end: datetime
) -> list[tuple[datetime, float | None]]:
    """A metric of a place as it is judged: rain as what fell with each reading (mm), never two elements together."""
    found = truth(place, metric)
    if found is None or not visible_places(actor).filter(id=place.id).exists():
        return []
    series, source = found
    pack = source_packs()[metric]
    before = moment(0) if source.counter else start
    values = readings_of([series.id], max(before, _day_before(start)), end)[series.id]
    if not source.counter:
        return [(moment(at), value) for at, value in values if at > ms(start)]
    whole = [(at, round(value * pack.scale)) for at, value in values if value is not None]
    spec = SeriesSpec(0, True, round(source.modulus * pack.scale), round(source.most * pack.scale))
    return [(moment(at), step / pack.scale) for at, step in increments(spec, whole) if at > ms(start)]


def _day_before(start: datetime) -> datetime:
    """A counter's first step needs the reading before it; a day back is far enough for every reporting interval."""
    return datetime.fromtimestamp(start.timestamp() - 86_400, UTC)


def rain_sum(actor: Actor, place: Place, start: datetime, end: datetime) -> float | None:
    """Rain of a place in mm, start < time ≤ end, summed in hundredths; None = nothing was heard in that time."""
    values = [value for _at, value in place_values(actor, place, "rain", start, end) if value is not None]
    return sum(round(value * 100) for value in values) / 100 if values else None


def latest_values(actor: Actor, now: datetime, metrics: Iterable[str] = ("rain", "stage")) -> list[LatestValue]:
    """The newest value of each metric of each place that has a device; stale or never heard: known is False.

    For a metric with a source pack the raw element that is its truth is given (rain: the accumulated value).
    """
    out = []
    stored: dict[tuple[str, str], int] = {
        (str(place), metric): number
        for place, metric, number in Series.objects.values_list("device__place_id", "metric", "id")
    }
    newest = {row.series: row for row in Latest.objects.using(readings_alias()).all()}
    for device in devices(actor):
        place = device.place
        interval = place.attributes.get("interval_min", DEFAULT_INTERVAL_MIN)
        for metric in metrics:
            pack = source_packs().get(metric)
            names = [source.metric for source in pack.sources] if pack else [metric]
            number = next((stored[(str(place.id), n)] for n in names if (str(place.id), n) in stored), None)
            if number is None and metric not in _expected(place.kind):
                continue
            row = newest.get(number) if number is not None else None
            age = None if row is None else now.timestamp() - row.at_ms / 1000
            known = age is not None and row is not None and row.quality == GOOD
            known = known and age is not None and age <= STALE_INTERVALS * float(interval) * 60
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
