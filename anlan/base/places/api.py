"""Areas and places over HTTP, inside what the account sees."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query, Schema
from pydantic import Field

from anlan.ui.api import REFUSALS, ListQuery, Paged, Problem, StrictRouter, listed
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from .kinds import kinds
from .models import Area, Place
from .queries import area_names, full_name, place, search_places, visible_areas, visible_places

router = StrictRouter()
Level = Literal["province", "city", "county", "town", "village"]


class AreaOut(Schema):
    """A node of the statutory tree."""

    code: str = Field(description="without trailing zeros: a subtree is a prefix")
    name: str
    level: Level
    parent_code: str
    valid_from: date
    valid_to: date | None


class AreaQuery(ListQuery):
    q: str = Field("", description="words in name, code or pinyin initials")
    level: Level | None = None
    parent: str = Field("", description="code of the area directly above")


class PlaceOut(Schema):
    """A thing that somebody answers for."""

    id: UUID
    code: str
    name: str
    kind: str
    kind_title: str
    area_code: str
    where: str = Field(description="town and village by name")
    lon: float = Field(description="degrees, WGS-84")
    lat: float = Field(description="degrees, WGS-84")
    people_at_risk: int = Field(description="persons")
    households: int
    synthetic: bool = Field(description="made up for drills")
    mode: str = Field(description="real, drill or test")


class PlaceDetail(PlaceOut):
    attributes: dict[str, Any] = Field(description="typed by the kind; units as its pack says (limits: mm)")
    valid_from: date
    valid_to: date | None


class PlaceQuery(ListQuery):
    q: str = Field("", description="words in name, code, town or pinyin initials; two characters are enough")
    kind: str = Field("", description="key of a kind: village, danger_area, rain_gauge…")
    area: str = Field("", description="code of an area; its whole subtree is meant")


@router.get("/areas", response={200: Paged[AreaOut], REFUSALS: Problem}, summary="Areas")
def areas(request: ActorRequest, query: Query[AreaQuery]) -> Paged[AreaOut]:
    """The account's subtrees and what lies above them. Needs places.read. Sorts: code, name, level."""
    request.actor.require("places.read")
    found: QuerySet[Area] = visible_areas(request.actor)
    for word in query.q.lower().split():
        found = found.filter(search_text__contains=word)
    if query.level:
        found = found.filter(level=query.level)
    if query.parent:
        found = found.filter(parent_code=query.parent)
    sorts = {"code": "code", "name": "name", "level": "level"}
    return listed(found, query, AreaOut.model_validate, sorts=sorts, order=["code"])


@router.get("/places", response={200: Paged[PlaceOut], REFUSALS: Problem}, summary="Places")
def places(request: ActorRequest, query: Query[PlaceQuery]) -> Paged[PlaceOut]:
    """Needs places.read. Sorts: name, kind, area, people, households, code. First: most people at risk."""
    request.actor.require("places.read")
    found = search_places(visible_places(request.actor), query.q).filter(area_code__startswith=query.area)
    if query.kind:
        found = found.filter(kind=query.kind)
    names = area_names()
    sorts = {"name": "name", "kind": "kind", "area": "area_code", "people": "people_at_risk",
             "households": "households", "code": "code"}  # fmt: skip
    order = ["-people_at_risk", "area_code"]
    return listed(found, query, lambda one: PlaceOut(**_facts(one, names)), sorts=sorts, order=order)


@router.get("/places/{code}", response={200: PlaceDetail, REFUSALS: Problem}, summary="One place")
def place_detail(request: ActorRequest, code: str) -> PlaceDetail:
    """Needs places.read."""
    request.actor.require("places.read")
    found = place(request.actor, code)
    return PlaceDetail(
        **_facts(found, area_names({found.area_code})),
        attributes=found.attributes,
        valid_from=found.valid_from,
        valid_to=found.valid_to,
    )


def _facts(one: Place, names: dict[str, str]) -> dict[str, Any]:
    pack = kinds().get(one.kind)
    return {
        "id": one.id, "code": one.code, "name": one.name, "kind": one.kind,
        "kind_title": say(pack.title) if pack else one.kind, "area_code": one.area_code,
        "where": full_name(one.area_code, names), "lon": one.lon, "lat": one.lat,
        "people_at_risk": one.people_at_risk, "households": one.households, "synthetic": one.synthetic,
        "mode": one.mode,
    }  # fmt: skip
