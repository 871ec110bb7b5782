"""The curve card of a place, and of places side by side: which metrics, limits and earlier event belong to it.

The lines themselves come from sensing's API; here stands what cuts across: rules' limits and alarms. Reads only.
"""

from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.models import Place
from anlan.kernel.modes import LEVEL_NAMES, LEVEL_WORDS
from anlan.loop.alarms.queries import limits_of, visible_alarms
from anlan.loop.sensing.charts import FORECAST, LINES_MOST, metric_words, unit_of
from anlan.loop.sensing.curve_card import DEFAULT_HOURS, Before, Curve, Latest, Limit
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.queries import latest_values, source_packs, truth
from anlan.loop.sensing.ranges import first_at
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from .rain import gauges_of


def metrics_of(places: list[Place]) -> list[str]:
    """What charts of these places can show: judged metrics first, then the other elements that their devices send."""
    judged = [metric for metric in source_packs() if any(truth(place, metric) for place in places)]
    told = {one.metric for metric in judged for one in source_packs()[metric].sources}
    stored = Series.objects.filter(device__place__in=places).order_by().values_list("metric", flat=True).distinct()
    others = [one for one in sorted(stored) if one not in told | set(judged) and not one.endswith(FORECAST)]
    return judged + others


def curve(request: ActorRequest, place: Place, wanted: str) -> Curve | None:
    """The card of a place: its own series, or those of its gauges. None = nothing was ever heard."""
    gauges, _hidden = gauges_of(request.actor, place)
    places = gauges[:LINES_MOST] if place.kind == "danger_area" else [place]
    known = sorted(metrics_of(places), key=lambda metric: not limits(place, metric))  # what it is judged by comes first
    if not known:
        return None
    metric = wanted if wanted in known else known[0]
    shown = [one for one in places if _numbers([one], metric)]
    card, page = reverse("place-curve", args=[place.code]), reverse("place", args=[place.code])
    codes = [one.code for one in shown]
    stored = set(Series.objects.filter(device__place__in=shown).values_list("metric", flat=True))
    return Curve(
        title=_("过程线"), metric=metric, unit=unit_of(metric), places=codes,
        first_ms=first_at(_numbers(shown, metric)), now=request.now, limits=limits(place, metric),
        before=before(request, place), forecast=metric + FORECAST if metric + FORECAST in stored else "",
        tabs=[(metric_words(one), f"{card}?{urlencode({'metric': one})}", f"{page}?{urlencode({'metric': one})}",
               one == metric) for one in known],
        compare=f"{reverse('compare')}?{urlencode({'place': codes, 'metric': metric}, doseq=True)}",
        may_export=request.actor.may("exports.make"), latest=latest(request, shown, metric),
    )  # fmt: skip


def latest(request: ActorRequest, places: list[Place], metric: str) -> list[Latest]:
    """The newest value of each place with its age. Of rain only the age: its stored value is a running total."""
    out = []
    for place in places:
        for one in latest_values(request.actor, request.now, (metric,), place):
            value = None if metric == "rain" or not one.known else one.value
            out.append(Latest(place.name if len(places) > 1 else "", value, one.at, one.known))
    return out


def side_by_side(request: ActorRequest, places: list[Place], metric: str) -> Curve:
    """Several places in one metric."""
    return Curve(
        title=metric_words(metric), metric=metric, unit=unit_of(metric), places=[one.code for one in places],
        first_ms=first_at(_numbers(places, metric)), now=request.now, hours=DEFAULT_HOURS,
        may_export=request.actor.may("exports.make"),
    )  # fmt: skip


def elements(metric: str) -> list[str]:
    """The stored elements that may tell a metric."""
    pack = source_packs().get(metric)
    return [one.metric for one in pack.sources] if pack else [metric]


def _numbers(places: list[Place], metric: str) -> list[int]:
    """The stored series behind a metric of these places."""
    if metric in source_packs():
        return [found[0] for place in places if (found := truth(place, metric)) is not None]
    return list(Series.objects.filter(device__place__in=places, metric=metric).values_list("id", flat=True))


def limits(place: Place, metric: str) -> list[Limit]:
    """What a value is compared with: levels of the metric itself, and rain's of an hour and a day."""
    out = [
        Limit(LEVEL_NAMES[level], say(LEVEL_WORDS[level]), round(limit, 2))
        for pairs in limits_of(place, metric, "limit").values()
        for level, limit in pairs
    ]
    sums = limits_of(place, metric)
    return out + [
        Limit(LEVEL_NAMES[level], say(LEVEL_WORDS[level]), round(limit, 1), span)
        for span in ("1h", "24h")
        for level, limit in sums.get(span, [])
    ]


def before(request: ActorRequest, place: Place) -> Before | None:
    """The last alarm before the newest one (or the newest, where it is over): laid over what is shown now."""
    if not request.actor.may("alarms.read"):
        return None
    alarms = visible_alarms(request.actor).filter(place=place).order_by("-raised_at")
    newest = alarms.first()
    if newest is None:
        return None
    now_open = newest.cleared_at is None
    earlier = alarms.filter(raised_at__lt=newest.raised_at - timedelta(hours=6)).first() if now_open else newest
    if earlier is None:
        return None
    here = round(newest.raised_at.timestamp() * 1000) if now_open else 0
    words = _("上次：%(day)s") % {"day": f"{earlier.raised_at:%Y-%m-%d}"}
    return Before(words, round(earlier.raised_at.timestamp() * 1000), here)
