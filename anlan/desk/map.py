"""The one map's frame: which layers stand in the panel, which are on, where it may zoom to, what a place's panel says.

The layers themselves come from the registry; each asks its own slice, inside what the actor sees. Reads only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.people.queries import Responsible, responsible_for
from anlan.base.places.kinds import KindPack, kinds
from anlan.base.places.models import Place
from anlan.base.places.queries import area_names, full_name, visible_areas, visible_places
from anlan.base.places.screens import boundary_features
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Invalid, NotFound
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.queries import open_alarms
from anlan.loop.sensing.queries import LatestValue, latest_values
from anlan.loop.sensing.rain import rain_chart
from anlan.ui.language import say
from anlan.ui.map_layers import MAP_LAYERS, Feature, MapLayer, layers_for, point

from .rain import Window, gauges_of, nearest, windows

DEVICE = "device"  # alarms of this hazard are silence: shown by the station itself, grey, not as a warning level
BAR_MINUTES, BAR_HOURS = 15, 4
Bounds = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Switch:
    """One layer in the panel."""

    key: str
    layer: MapLayer
    on: bool
    url: str


@dataclass(frozen=True)
class Zoom:
    """A stretch of ground to look at: ((south, west), (north, east)) in degrees."""

    label: str
    bounds: Bounds


@dataclass(frozen=True)
class Panel:
    """What stands beside the map for one place."""

    place: Place
    kind: KindPack | None
    where: str
    alarms: list[Alarm]
    windows: list[Window]
    nearest: Window | None
    bars: list[tuple[int, int | None, int]]
    values: list[LatestValue]
    responsible: list[Responsible]

    @property
    def level(self) -> int:
        return max((alarm.level for alarm in self.alarms), default=0)

    @property
    def silent(self) -> bool:
        """Nothing is known of it now though something should be."""
        return any(not value.known for value in self.values)


def words() -> dict[str, str]:
    """What map.js says, in the page's language."""
    return {
        "alarms": _("处警情"),
        "unknown": _("处未知"),
        "people": _("人"),
        "stale": _("没取到，显示这个时间的数据："),
        "again": _("再试"),
        "nothing": _("打开的图层上没有对象"),
    }


def switches(actor: Actor, wanted: str | None) -> list[tuple[str, list[Switch]]]:
    """The layers by group. wanted: keys from the address, comma between them; None = those that are on by default.

    Raises Invalid for a key that is no layer of this actor.
    """
    allowed = layers_for(actor)
    on = {key for key, layer in allowed if layer.on}
    if wanted is not None:
        on = {key for key in wanted.split(",") if key}
        unknown = on - {key for key, _layer in allowed}
        if unknown:
            known = ",".join(key for key, _layer in allowed)
            raise Invalid("layers", _("没有图层“%(key)s”") % {"key": "、".join(sorted(unknown))}, known)
    groups: dict[str, list[Switch]] = {}
    for key, layer in reversed(allowed):
        groups.setdefault(layer.group, []).append(Switch(key, layer, key in on, reverse("map-layer", args=[key])))
    return list(groups.items())


def layer_features(actor: Actor, key: str, now: datetime) -> list[Feature]:
    """A layer's features. Raises NotFound where there is no such layer, NotPermitted where it is not the actor's."""
    if key not in MAP_LAYERS:
        raise NotFound("map.no_layer", _("没有图层“%(key)s”") % {"key": key})
    layer = MAP_LAYERS[key]
    if layer.permission:
        actor.require(layer.permission)
    return layer.features(actor, now)


def zooms(actor: Actor, now: datetime) -> list[Zoom]:
    """From the whole to the actor's own ground; the last is where the map begins."""
    counties = [f for f in boundary_features(actor, now) if f["properties"]["shape"] == "county"]
    found = [Zoom(_("六县区"), _bounds(_points(f["geometry"]["coordinates"] for f in counties)))]
    own = [f for f in counties if f["properties"]["css"] == "in"]
    if len(own) == 1:
        found.append(Zoom(own[0]["properties"]["label"], _bounds(_points([own[0]["geometry"]["coordinates"]]))))
    if actor.areas and all(len(code) > 6 for code in actor.areas):
        edge = visible_places(actor).aggregate(s=Min("lat"), w=Min("lon"), n=Max("lat"), e=Max("lon"))
        name = visible_areas(actor).filter(code__in=actor.areas).values_list("name", flat=True).first()
        if edge["s"] is not None and name:
            found.append(Zoom(name, ((edge["s"], edge["w"]), (edge["n"], edge["e"]))))
    return found


def _points(nested: Any) -> Iterator[tuple[float, float]]:
    """(lat, lon) of every vertex of nested GeoJSON coordinates."""
    for item in nested:
        if isinstance(item[0], int | float):
            yield item[1], item[0]
        else:
            yield from _points(item)


def _bounds(points: Iterator[tuple[float, float]]) -> Bounds:
    held = list(points)
    lats, lons = [lat for lat, _lon in held], [lon for _lat, lon in held]
    return (min(lats), min(lons)), (max(lats), max(lons))


def alarm_features(actor: Actor, now: datetime) -> list[Feature]:
    """Places with an open alarm, drawn by the shape of their highest level; the worst first."""
    drawn: dict[str, Feature] = {}
    for alarm in open_alarms(actor):
        place = alarm.place
        if alarm.facts.hazard == DEVICE or place.code in drawn:
            continue
        pack = kinds().get(place.kind)
        drawn[place.code] = point(
            place.lon, place.lat, shape="level", level=alarm.level, glyph=pack.glyph if pack else "", key=place.code,
            label=place.name, people=alarm.people_at_risk, note=f"{say(alarm.facts.title)} · {say(alarm.state_word)}",
            eased=alarm.eased_at is not None, panel=f"{reverse('map-panel')}?place={place.code}",
        )  # fmt: skip
    return list(drawn.values())


def panel(actor: Actor, place: Place, now: datetime) -> Panel:
    """Everything the panel says of a place, each part only where the actor may read it."""
    sensing = actor.may("sensing.read")
    found = windows(actor, place, now) if sensing and place.kind in ("danger_area", "rain_gauge") else []
    return Panel(
        place=place,
        kind=kinds().get(place.kind),
        where=full_name(place.area_code, area_names({place.area_code})),
        alarms=list(open_alarms(actor).filter(place=place)) if actor.may("alarms.read") else [],
        windows=found,
        nearest=nearest(found),
        bars=_bars(actor, place, now) if found else [],
        values=latest_values(actor, now, place=place) if sensing else [],
        responsible=responsible_for(actor, place.area_code, now) if actor.may("people.read") else [],
    )


def _bars(actor: Actor, place: Place, now: datetime) -> list[tuple[int, int | None, int]]:
    """(x, height, y) of the last hours' rain, the wettest gauge in each step; of 100, height None = nothing heard."""
    gauges, _hidden = gauges_of(actor, place)
    chart = rain_chart(actor, gauges, hours=BAR_HOURS, step_min=BAR_MINUTES, window=None, now=now)
    wettest = []
    for step in zip(*(gauge.bars for gauge in chart.gauges), strict=True):
        heard = [value for value in step if value is not None]
        wettest.append(max(heard) if heard else None)
    top = max((value for value in wettest if value is not None), default=0.0)
    scale = 100 / max(top, 2.0)  # 2 mm in a quarter of an hour fills the box: drizzle never looks like a storm
    heights = [None if value is None else round(value * scale) for value in wettest]
    return [(x, height, 100 - (height or 0)) for x, height in enumerate(heights)]
