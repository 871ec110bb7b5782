"""Which places stand in a relation to another: itself, those it names, those nearby, those below its area. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EARTH_KM = 6371.0


@dataclass(frozen=True)
class PlaceFacts:
    """What a plan needs of a place. key: anything that the caller knows it by; lon, lat: degrees, WGS-84."""

    key: str
    code: str
    kind: str
    attributes: Mapping[str, object]
    lon: float | None = None
    lat: float | None = None
    area: str = ""


def distance_km(a: PlaceFacts, b: PlaceFacts) -> float:
    """Along the ground; infinite where one of them has no position."""
    if a.lon is None or a.lat is None or b.lon is None or b.lat is None:
        return math.inf
    east = math.radians(b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return EARTH_KM * math.hypot(east, math.radians(b.lat - a.lat))


def related(place: PlaceFacts, of: str, places: Sequence[PlaceFacts]) -> list[PlaceFacts]:
    """of: "own", "near 10 km", "area", or an attribute with codes. Raises ValueError for a distance that is none."""
    if of == "own":
        return [place]
    if of == "area":
        return [other for other in places if place.area and other.area.startswith(place.area)]
    if of.startswith("near "):
        found = re.fullmatch(r"near (\d+(?:\.\d+)?) km", of)
        if not found:
            raise ValueError(f"{of!r} is no distance: expected near 10 km")
        reach = float(found[1])
        return [other for other in places if other.key != place.key and distance_km(place, other) <= reach]
    codes = place.attributes.get(of)
    wanted = {str(code) for code in codes} if isinstance(codes, list) else set()
    return [other for other in places if other.code in wanted]
