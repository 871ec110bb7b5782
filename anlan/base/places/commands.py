"""The only writers of areas and places."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from anlan.base.journal.commands import command, record
from anlan.kernel.actor import Actor
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid

from .kinds import check_attributes
from .models import Area, Place
from .rules import search_text, strip_code


@command("places.import_areas", permission="places.write")
def import_areas(actor: Actor, rows: Iterable[Mapping[str, str]], *, valid_from: date, now: datetime) -> int:
    """Lay the tree from rows `code, name, level, parent_code` (12-digit codes). Returns how many.

    Raises Invalid naming the row; then nothing is stored.
    """
    areas: list[Area] = []
    levels: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        try:
            code = strip_code(row["code"], row["level"])
            parent = row["parent_code"]
            parent_code = strip_code(parent, levels[parent]) if parent else ""
        except (KeyError, ValueError) as error:
            raise Invalid("areas", f"第 {number} 行：{error}") from error
        levels[row["code"]] = row["level"]
        areas.append(
            Area(
                code=code,
                name=row["name"],
                level=row["level"],
                parent_code=parent_code,
                valid_from=valid_from,
                search_text=search_text(row["name"], code),
            )
        )
    Area.objects.bulk_create(
        areas,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "level", "parent_code", "search_text"],
    )
    record(actor, "places.areas_imported", subject="areas:all", now=now, data={"count": len(areas)})
    return len(areas)


@dataclass(frozen=True)
class NewPlace:
    """What a place begins with."""

    code: str
    name: str
    kind: str
    area_code: str
    lon: float
    lat: float
    attributes: dict[str, Any] = field(default_factory=dict)
    people_at_risk: int = 0
    households: int = 0
    synthetic: bool = False


@command("places.create", permission="places.write")
def create_places(actor: Actor, new: Iterable[NewPlace], *, now: datetime) -> list[Place]:
    """Enter places. Raises Invalid naming the code of the first bad one; then nothing is stored."""
    names = dict(Area.objects.values_list("code", "name"))
    places = [_build(actor, item, names, now) for item in new]
    Place.objects.bulk_create(places, batch_size=200)
    record(actor, "places.created", subject="places:many", now=now, data={"count": len(places)})
    return places


def _build(actor: Actor, item: NewPlace, names: Mapping[str, str], now: datetime) -> Place:
    if item.area_code not in names:
        raise Invalid("area_code", f"对象 {item.code}：没有区划 {item.area_code}")
    if not (-180 <= item.lon <= 180 and -90 <= item.lat <= 90):
        raise Invalid("lon", f"对象 {item.code}：坐标应为 WGS-84 经纬度，得到 {item.lon}, {item.lat}")
    return Place(
        code=item.code,
        name=item.name,
        kind=item.kind,
        area_code=item.area_code,
        lon=item.lon,
        lat=item.lat,
        attributes=check_attributes(item.kind, item.attributes),
        people_at_risk=item.people_at_risk,
        households=item.households,
        synthetic=item.synthetic,
        mode=actor.mode,
        search_text=search_text(item.name, item.code, names.get(item.area_code[:9], "")),
        valid_from=beijing(now).date(),
    )


@command("places.set_attributes", permission="places.write")
def set_attributes(actor: Actor, place: Place, attributes: dict[str, Any], *, now: datetime) -> Place:
    """Replace a place's attributes (a danger area's limits, say). The gateway takes them up within seconds."""
    actor.require_area(place.area_code)
    place.attributes = check_attributes(place.kind, attributes)
    place.save(update_fields=["attributes"])
    record(actor, "places.changed", subject=f"place:{place.id}", now=now, area=place.area_code, place=place.id)
    return place
