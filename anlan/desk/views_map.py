"""The one map: its page, its layers as GeoJSON, the panel of one place. Thin: parse, ask, render."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from anlan.base.places.kinds import kinds
from anlan.base.places.queries import place as find_place
from anlan.ui.requests import ActorRequest, page

from .map import layer_features, panel, switches, words, zooms


@page("places.read")
def map_page(request: ActorRequest) -> HttpResponse:
    """The map. `layers` in the address says which are on, `place` whose panel is open; 422 and 404 for wrong ones."""
    groups = switches(request.actor, request.GET.get("layers"))
    code = request.GET.get("place", "")
    context = {
        "groups": groups,
        "zooms": zooms(request.actor, request.now),
        "words": words(),
        "glyphs": sorted({pack.glyph for pack in kinds().values()}),
        "live": sorted({part for _title, rows in groups for row in rows for part in row.layer.parts}),
        "panel": panel(request.actor, find_place(request.actor, code), request.now) if code else None,
    }
    return render(request, "desk/map.html", context)


@page("places.read")
def map_layer(request: ActorRequest, key: str) -> HttpResponse:
    """One layer as a GeoJSON FeatureCollection, WGS-84."""
    features = layer_features(request.actor, key, request.now)
    answer = JsonResponse({"type": "FeatureCollection", "features": features})
    answer["Cache-Control"] = "no-store"
    return answer


@page("places.read")
def map_panel(request: ActorRequest) -> HttpResponse:
    """The panel of one place: `?place=` its code."""
    found = find_place(request.actor, request.GET.get("place", ""))
    return render(request, "desk/map_panel.html", {"panel": panel(request.actor, found, request.now)})
