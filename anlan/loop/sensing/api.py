"""Readings over HTTP: the newest values, and one series of a place. Unknown is null, never zero."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Schema
from pydantic import Field

from anlan.base.places.queries import place
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.api import REFUSALS, Moment, Problem, StrictRouter
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from .blocks import GOOD, QUALITY_WORDS
from .charts import Asked, columns, lines, unit_of, visible_series
from .queries import latest_values, place_values, source_packs, truth, visible_quarantine

router = StrictRouter()
LONGEST = timedelta(days=31)
Metric = Literal["rain", "stage"]
METRIC = "rain: mm; stage: m"


class LatestOut(Schema):
    """The newest value of one metric of one place."""

    place: str = Field(description="code")
    metric: Metric = Field(description=METRIC)
    value: float | None = Field(description="as the station sends it (rain: its running total, mm); null = never heard")
    at: datetime | None = Field(description="when it was measured")
    age_s: float | None = Field(description="seconds since then")
    known: bool = Field(description="false = too old or never heard: unknown, not zero")


class LatestQuery(Schema):
    place: str = Field("", description="code of a place")
    metric: Metric | None = Field(None, description=METRIC)
    known: bool | None = Field(None, description="false = only those that are silent")


class Reading(Schema):
    at: datetime
    value: float | None = Field(description="null = the station says that it has none")


class SeriesOut(Schema):
    """One metric of one place, in order of event time."""

    place: str
    metric: Metric = Field(description=METRIC)
    unit: str
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    values: list[Reading] = Field(description="from < at ≤ to; rain: what fell with each reading")
    more: bool = Field(description="true = `limit` was reached and the earliest ones were left out")


class SeriesQuery(Schema):
    start: Moment | None = Field(None, alias="from", description="default: 24 hours before `to`")
    end: Moment | None = Field(None, alias="to", description="default: now")
    limit: int = Field(2000, ge=1, le=20_000, description="at most so many readings, the newest")


class ChartLine(Schema):
    """One line of a chart as arrays. A row with v null and n 0 breaks it: nothing was heard for three intervals."""

    series: int
    place: str = Field(description="code")
    name: str
    metric: str
    unit: str
    rain: bool = Field(description="v is what fell in each step (or with each reading), not a level")
    step_s: int = Field(description="0 = single readings; else each row stands at the end of its step, start < t ≤ end")
    t: list[int] = Field(description="Unix ms")
    v: list[float | None] = Field(description="the reading, or the mean of the step; null = not known, never zero")
    low: list[float | None] = Field(description="least of the step; empty for readings and rain")
    high: list[float | None] = Field(description="greatest of the step; empty for readings and rain")
    n: list[int] = Field(description="readings that count")
    q: list[int] = Field(description="quality: 0 good, 1 missing, 3 suspect, 4 held spike, 5 by hand")
    doubtful: list[int] = Field(description="of a step, readings that do not count; empty for readings")


class ChartOut(Schema):
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    lines: list[ChartLine]
    quality: dict[int, str] = Field(description="words of the qualities that occur, without 0")


class ChartQuery(Schema):
    place: list[str] = Field([], description="code of a place; may be given several times")
    metric: str = Field("rain", description="for the places: rain, stage, or the name of a stored element")
    series: list[int] = Field([], description="number of a stored series (GET /series); may be given several times")
    start: Moment | None = Field(None, alias="from", description="default: `hours` before `to`")
    end: Moment | None = Field(None, alias="to", description="default: now")
    hours: float = Field(24, gt=0, le=24 * 366 * 100, description="length of the range where there is no `from`")
    step: Literal["", "reading", "hour", "day"] = Field("", description="default: by the length of the range")


class StoredSeries(Schema):
    """One element of one device."""

    id: int
    device: UUID
    place: str = Field(description="code")
    metric: str
    unit: str = Field(description="empty = not known")


class StoredSeriesQuery(Schema):
    place: str = Field("", description="code of a place")


class QuarantineOut(Schema):
    """A station that calls and is not admitted."""

    id: int
    protocol: str
    address: str
    reason: str = Field(description="unknown, or password = admitted under another one")
    first_seen: datetime
    last_seen: datetime
    count: int = Field(description="frames")
    last_frame: str = Field(description="hex")
    peer: str


@router.get("/readings/latest", response={200: list[LatestOut], REFUSALS: Problem}, summary="Newest values")
def latest(request: ActorRequest, query: Query[LatestQuery]) -> list[dict[str, Any]]:
    """Needs sensing.read."""
    request.actor.require("sensing.read")
    found = latest_values(request.actor, request.now, [query.metric] if query.metric else ("rain", "stage"))
    return [
        {"place": one.place_code, "metric": one.metric, "value": one.value, "at": one.at, "age_s": one.age_s,
         "known": one.known}
        for one in found
        if query.place in ("", one.place_code) and query.known in (None, one.known)
    ]  # fmt: skip


@router.get(
    "/readings/chart", response={200: ChartOut, REFUSALS: Problem}, by_alias=True, summary="Lines of a chart, any range"
)
def chart(request: ActorRequest, query: Query[ChartQuery]) -> ChartOut:
    """Up to six places or series over hours or years: single readings up to 8 days, then hours, beyond 130 days (rain:
    32) days of 08–08 Beijing, with least and greatest. Needs sensing.read."""
    request.actor.require("sensing.read")
    end = query.end or request.now
    asked = Asked(query.start or end - timedelta(hours=query.hours), end, query.step)
    found = lines(request.actor, query.place, query.metric, query.series, asked)
    drawn = [
        ChartLine(
            series=one.series, place=one.place.code, name=one.name, metric=one.metric, unit=one.unit, rain=one.rain,
            step_s=one.points.step_ms // 1000, **columns(one),  # type: ignore[arg-type]
        )
        for one in found
    ]  # fmt: skip
    seen = {int(code) for one in drawn for code in set(one.q)} - {GOOD}
    return ChartOut(start=asked.start, end=end, lines=drawn, quality={q: say(QUALITY_WORDS[q]) for q in sorted(seen)})


@router.get("/series", response={200: list[StoredSeries], REFUSALS: Problem}, summary="Stored series")
def stored_series(request: ActorRequest, query: Query[StoredSeriesQuery]) -> list[StoredSeries]:
    """Every element that devices have sent. Needs sensing.read."""
    request.actor.require("sensing.read")
    found = visible_series(request.actor).select_related("device__place").order_by("id")
    if query.place:
        found = found.filter(device__place=place(request.actor, query.place))
    return [
        StoredSeries(id=one.id, device=one.device_id, place=one.device.place.code, metric=one.metric,
                     unit=unit_of(one.metric))
        for one in found
    ]  # fmt: skip


@router.get(
    "/readings/{code}/{metric}",
    response={200: SeriesOut, REFUSALS: Problem},
    by_alias=True,
    summary="One series of a place",
)
def series(request: ActorRequest, code: str, metric: Metric, query: Query[SeriesQuery]) -> SeriesOut:
    """Needs sensing.read. At most 31 days at a time; 404 where the place does not measure this."""
    request.actor.require("sensing.read")
    found = place(request.actor, code)
    end = query.end or request.now
    start = query.start or end - timedelta(days=1)
    if not start < end:
        raise Invalid("from", _("开始时间应早于结束时间"))
    if end - start > LONGEST:
        raise Invalid("from", _("一次最多取 31 天"), _("请分段取"))
    if truth(found, metric) is None:
        raise NotFound("sensing.no_series", _("对象 %(code)s 没有这种监测数据") % {"code": code})
    values = place_values(request.actor, found, metric, start, end)
    return SeriesOut(
        place=code, metric=metric, unit=source_packs()[metric].unit, start=start, end=end,
        values=[Reading(at=at, value=value) for at, value in values[-query.limit :]],
        more=len(values) > query.limit,
    )  # fmt: skip


@router.get("/devices/quarantine", response={200: list[QuarantineOut], REFUSALS: Problem}, summary="Unknown stations")
def unknown(request: ActorRequest) -> list[QuarantineOut]:
    """Stations that call and are not admitted; never judged. Needs sensing.admit."""
    request.actor.require("sensing.admit")
    return [QuarantineOut.model_validate(one) for one in visible_quarantine(request.actor).order_by("-last_seen")]
