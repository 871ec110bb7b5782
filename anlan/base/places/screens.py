"""Places in the navigation, the frame's scope, the names that the journal shows, and the map's ground layers."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.journal.references import KIND_WORDS, RESOLVERS, Reference
from anlan.kernel.actor import Actor
from anlan.kernel.packs import SHIPPED
from anlan.ui.context import FRAME_FACTS
from anlan.ui.map_layers import MAP_LAYERS, Feature, MapLayer, point
from anlan.ui.navigation import NAVIGATION, NavItem

from .models import Area, Place
from .queries import area_names, visible_areas, visible_places


def scope_name(request: HttpRequest, actor: Actor, now: datetime) -> str:
    """The area in the top bar: the actor's own, the county for a county-wide actor, or "n 处"."""
    codes = [code for code in actor.areas if code]
    if not codes:
        return _("全部区划") if actor.areas else "—"
    names = dict(Area.objects.filter(code__in=codes).values_list("code", "name"))
    first = names.get(codes[0], codes[0])
    return first if len(codes) == 1 else _("%(name)s 等 %(n)d 处") % {"name": first, "n": len(codes)}


def _area_references(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    names = area_names(keys)
    return {key: Reference(names[key]) for key in keys if key in names}


def _place_references(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    places = visible_places(actor).filter(id__in=keys)
    return {str(place.id): Reference(place.name, reverse("place", args=[place.code])) for place in places}


@cache
def _shipped(name: str) -> list[dict[str, Any]]:
    """Features of a GeoJSON file of the area packs, WGS-84, as they ship (origins: packs/areas/README.md)."""
    features: list[dict[str, Any]] = json.loads((SHIPPED / "areas" / name).read_text(encoding="utf-8"))["features"]
    return features


def sketch_features(kind: str) -> Callable[[Actor, datetime], list[Feature]]:
    """A layer of invented lines: roads, rivers or gullies. Only a river has its name: a gully names its village."""

    def features(actor: Actor, now: datetime) -> list[Feature]:
        return [
            {
                "type": "Feature",
                "geometry": line["geometry"],
                "properties": {"shape": "line", "css": kind, "label": own["name"] if kind == "river" else ""},
            }
            for line in _shipped("layers.geojson")
            if (own := line["properties"])["kind"] == kind
        ]

    return features


def boundary_features(actor: Actor, now: datetime) -> list[Feature]:
    """Counties; those the actor sees nothing of are drawn paler. Lines on a map are not scoped, what stands in is."""
    drawn = []
    for feature in _shipped("boundaries.geojson"):
        own = feature["properties"]
        code = str(own["code"])[:6].rstrip("0") if own["level"] != "county" else str(own["code"])[:6]
        inside = any(code.startswith(prefix) or prefix.startswith(code) for prefix in actor.areas)
        properties = {"shape": "county" if own["level"] == "county" else "outline", "label": own["name"],
                      "label_at": [own["label_lat"], own["label_lon"]], "css": "in" if inside else "out"}  # fmt: skip
        drawn.append({"type": "Feature", "geometry": feature["geometry"], "properties": properties})
    return drawn


def town_features(actor: Actor, now: datetime) -> list[Feature]:
    """Towns by name, at the middle of their villages that the actor sees."""
    towns = {area.code: area.name for area in visible_areas(actor).filter(level="town")}
    spots: dict[str, list[tuple[float, float]]] = {}
    for code, lon, lat in visible_places(actor).filter(kind="village").values_list("area_code", "lon", "lat"):
        spots.setdefault(code[:9], []).append((lon, lat))
    return [
        point(sum(x for x, _y in at) / len(at), sum(y for _x, y in at) / len(at), shape="label", css="town",
              label=towns[code])
        for code, at in spots.items() if code in towns
    ]  # fmt: skip


def village_features(actor: Actor, now: datetime) -> list[Feature]:
    """Villages, small and unfilled."""
    found = visible_places(actor).filter(kind="village").order_by("code")
    return [_dot(place, "village", note=_population(place)) for place in found]


def danger_area_features(actor: Actor, now: datetime) -> list[Feature]:
    """Danger areas: hatched, sized by people at risk, the most people first."""
    found = visible_places(actor).filter(kind="danger_area").order_by("-people_at_risk", "code")
    return [
        _dot(place, "hatch", people=place.people_at_risk, note=_("受威胁 %(n)d 人") % {"n": place.people_at_risk})
        for place in found
    ]


def _dot(place: Place, shape: str, **more: object) -> Feature:
    panel = f"{reverse('map-panel')}?place={place.code}"
    return point(place.lon, place.lat, shape=shape, label=place.name, panel=panel, key=place.code, **more)


def _population(place: Place) -> str:
    number = place.attributes.get("population")
    return _("人口不详") if number is None else _("%(n)d 人") % {"n": number}


NAVIGATION.add("places", NavItem("对象", "place-list", "box", "calm", 10, "places.read"))
FRAME_FACTS.add("scope_name", scope_name)
RESOLVERS.add("area", _area_references)
RESOLVERS.add("place", _place_references)
for _kind, _words in {
    "places.areas_imported": "导入区划",
    "places.created": "登记对象",
    "places.changed": "改对象属性",
}.items():
    KIND_WORDS.add(_kind, _words)
MAP_LAYERS.add("counties", MapLayer("县区界线", "底图", 0, boundary_features, sketch=True))
MAP_LAYERS.add("water", MapLayer("河流", "底图", 2, sketch_features("river"), sketch=True))
MAP_LAYERS.add("gullies", MapLayer("沟道", "底图", 4, sketch_features("gully"), sketch=True))
MAP_LAYERS.add("roads", MapLayer("道路", "底图", 6, sketch_features("road"), sketch=True))
MAP_LAYERS.add("towns", MapLayer("乡镇名", "底图", 10, town_features))
MAP_LAYERS.add(
    "villages",
    MapLayer("村庄", "人和去处", 20, village_features, False, permission="places.read", parts=("places",)),
)
MAP_LAYERS.add(
    "danger", MapLayer("危险区", "人和去处", 30, danger_area_features, permission="places.read", parts=("places",))
)
