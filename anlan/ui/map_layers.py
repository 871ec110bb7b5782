"""The registry of map layers: a slice adds a layer with a function that answers GeoJSON for an actor.

Features carry their drawing in `properties`: `shape` (area, hatch, line, dot, level), `css`, `label`, `level`,
`panel` (address of the detail fragment). Never: a feature outside the actor's scope or mode.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anlan.kernel.actor import Actor
from anlan.kernel.registry import Registry

Feature = dict[str, Any]


@dataclass(frozen=True)
class MapLayer:
    """One switch in the layer panel. order: bottom up. parts: live parts whose change draws it again."""

    label: str
    group: str
    order: int
    features: Callable[[Actor, datetime], list[Feature]]
    on: bool = True
    permission: str | None = None
    parts: tuple[str, ...] = ()
    min_zoom: int = 0
    sketch: bool = False


MAP_LAYERS: Registry[MapLayer] = Registry("map layer")


def point(lon: float, lat: float, **properties: Any) -> Feature:
    """A GeoJSON point, WGS-84 degrees."""
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def layers_for(actor: Actor) -> list[tuple[str, MapLayer]]:
    """The layers this actor may switch on, bottom up."""
    allowed = [(key, layer) for key, layer in MAP_LAYERS.items() if not layer.permission or actor.may(layer.permission)]
    return sorted(allowed, key=lambda pair: pair[1].order)
