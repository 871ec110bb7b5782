"""Curves on screen: the card of a place, and the page on which up to six stations are compared."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from anlan.base.places.queries import place as find_place
from anlan.base.places.queries import search_places, visible_places
from anlan.kernel.errors import Invalid
from anlan.loop.sensing.charts import LINES_MOST, metric_words
from anlan.ui.requests import ActorRequest, page

from .curves import curve, elements, metrics_of, side_by_side

FOUND_MOST = 12


@page("sensing.read")
def place_curve(request: ActorRequest, code: str) -> HttpResponse:
    """The curve of a place's metric (`metric`; the first it has where it has no such)."""
    found = find_place(request.actor, code)
    shown = curve(request, found, request.GET.get("metric", ""))
    return render(request, "sensing/curve_card.html", {"curve": shown})


@page("sensing.read")
def compare(request: ActorRequest) -> HttpResponse:
    """Up to six stations in one metric. `place` (several times), `metric`, `q` = what to add. 422 for other values."""
    codes = list(dict.fromkeys(request.GET.getlist("place")))
    if len(codes) > LINES_MOST:
        raise Invalid("place", _("一张图要 1 到 %(n)d 条线") % {"n": LINES_MOST})
    chosen = [find_place(request.actor, code) for code in codes]
    metric = request.GET.get("metric", "") or (metrics_of(chosen) or ["rain"])[0]
    having = visible_places(request.actor).filter(devices__series__metric__in=elements(metric)).distinct()
    words = request.GET.get("q", "").strip()
    candidates = search_places(having, words) if words else having
    known = metrics_of(chosen) if chosen else ["rain", "stage"]
    drawn = [place for place in chosen if metric in metrics_of([place])]
    context = {
        "chosen": chosen, "metric": metric, "q": words, "full": len(chosen) >= LINES_MOST, "most": LINES_MOST,
        "metrics": [(one, metric_words(one)) for one in dict.fromkeys([*known, metric])],
        "found": list(candidates.exclude(code__in=codes).order_by("name", "code")[:FOUND_MOST]),
        "curve": side_by_side(request, drawn, metric) if drawn else None,
        "without": [place for place in chosen if place not in drawn],
    }  # fmt: skip
    return render(request, "desk/compare.html", context)
