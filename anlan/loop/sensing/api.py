"""Readings over HTTP: the newest values, and one series of a place. Unknown is null, never zero."""

from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils.translation import gettext as _
from ninja import Query, Schema
from pydantic import Field

from anlan.base.places.queries import place
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.api import REFUSALS, Moment, Problem, StrictRouter
from anlan.ui.requests import ActorRequest

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
