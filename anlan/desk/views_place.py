"""The desk's cards on a place's page: rain beside its limits, and the alarms of the place."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from anlan.base.places.models import Place
from anlan.base.places.queries import place as find_place
from anlan.kernel.errors import Invalid
from anlan.kernel.modes import LEVEL_NAMES, LEVEL_WORDS
from anlan.loop.alarms.queries import visible_alarms
from anlan.loop.sensing.queries import latest_values
from anlan.loop.sensing.rain import RainChart, rain_chart
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest, page

from .rain import Window, gauges_of, nearest, windows

RANGES = {"6": 5, "24": 60, "72": 60}  # hours shown → minutes a bar
TOTAL = "total"  # the line is the sum since the range began instead of a window that slides
ALARMS_SHOWN = 20


@dataclass(frozen=True)
class Link:
    """One choice of the card: its words, the card's and the page's address with it, and whether it is the one shown."""

    words: str
    card: str
    page: str
    current: bool
    window: Window | None = None


@dataclass(frozen=True)
class Asked:
    """What the address asks of the rain card."""

    hours: str
    window: str
    view: str

    def links(self, code: str, **changes: str) -> tuple[str, str]:
        query = urlencode({"hours": self.hours, "window": self.window, "view": self.view, **changes})
        return f"{reverse('place-rain', args=[code])}?{query}", f"{reverse('place', args=[code])}?{query}"

    def link(self, code: str, words: str, shown: Window | None = None, **changes: str) -> Link:
        mine = {"hours": self.hours, "window": self.window, "view": self.view}
        return Link(words, *self.links(code, **changes), all(mine[k] == v for k, v in changes.items()), shown)


@page("sensing.read")
def place_rain(request: ActorRequest, code: str) -> HttpResponse:
    """Rain of a gauge, or of a danger area's gauges. `hours` 6, 24 or 72; `window` a span or total; `view` chart or
    table. Answers 422 for another value.
    """
    found = find_place(request.actor, code)
    gauges, hidden = gauges_of(request.actor, found)
    held = windows(request.actor, found, request.now)
    asked = _asked(request, held)
    window = next((one for one in held if one.span == asked.window), None)
    chart = rain_chart(
        request.actor, gauges, hours=int(asked.hours), step_min=RANGES[asked.hours],
        window=window.length if window else None, now=request.now,
    )  # fmt: skip
    hours = {"6": _("6 小时"), "24": _("24 小时"), "72": _("3 天")}
    context = {
        "place": found,
        "chart": chart,
        "data": _data(chart, window),
        "window": window,
        "hidden": hidden,
        "own": asked.links(code),
        "asked": asked,
        "ranges": [asked.link(code, words, hours=key) for key, words in hours.items()],
        "windows": [*[asked.link(code, w.words, w, window=w.span) for w in held],
                    asked.link(code, _("起始累计"), _total(chart, int(asked.hours)), window=TOTAL)],
        "views": [asked.link(code, _("图"), view="chart"), asked.link(code, _("表格"), view="table")],
        "sentence": _sentence(held),
        "rows": _rows(chart, window) if asked.view == "table" else [],
        "silent": _silent(request, gauges),
    }  # fmt: skip
    return render(request, "desk/rain_card.html", context)


def _asked(request: ActorRequest, held: list[Window]) -> Asked:
    near = nearest(held)
    usual = near.span if near and near.limits else TOTAL
    allowed = {"hours": list(RANGES), "window": [*(w.span for w in held), TOTAL], "view": ["chart", "table"]}
    given = {"hours": "6", "window": usual, "view": "chart"}
    for name, values in allowed.items():
        value = request.GET.get(name, given[name])
        if value not in values:
            raise Invalid(name, _("“%(value)s”不能用") % {"value": value}, "、".join(values))
        given[name] = value
    return Asked(**given)


def _total(chart: RainChart, hours: int) -> Window:
    """What has fallen since the range began, at the wettest gauge."""
    heard = [(last, gauge.place) for gauge in chart.gauges if (last := gauge.total[-1]) is not None]
    value, gauge = max(heard, key=lambda pair: pair[0]) if heard else (None, None)
    return Window(TOTAL, timedelta(hours=hours), value, gauge, [])


def _data(chart: RainChart, window: Window | None) -> dict[str, object]:
    """What charts.js draws: times in Unix ms, mm, None where nothing was heard."""
    limits = window.limits if window else []
    return {
        "ends": [round(end.timestamp() * 1000) for end in chart.ends],
        "step": chart.step_min,
        "line": _("%(window)s滑动累计") % {"window": window.words} if window else _("起始累计"),
        "bar": _("每 %(n)d 分钟") % {"n": chart.step_min} if chart.step_min < 60 else _("每小时"),
        "gauges": [{"name": g.place.name, "bars": g.bars, "line": g.sliding if window else g.total}
                   for g in chart.gauges],
        "limits": [{"level": LEVEL_NAMES[level], "word": say(LEVEL_WORDS[level]), "value": round(limit, 1)}
                   for level, limit in limits],
    }  # fmt: skip


def _rows(chart: RainChart, window: Window | None) -> list[tuple[datetime, list[tuple[float | None, float | None]]]]:
    """The same figures as rows, the newest first: end of the step, then bar and line of each gauge."""
    lines = [(gauge.bars, gauge.sliding if window else gauge.total) for gauge in chart.gauges]
    rows = [(end, [(bars[n], line[n]) for bars, line in lines]) for n, end in enumerate(chart.ends)]
    return rows[::-1]


def _sentence(held: list[Window]) -> str:
    """The chart in words, for those who do not see it."""
    said = [
        _("%(window)s %(value)s mm") % {"window": w.words, "value": f"{w.value:.1f}"}
        + (_("，指标 %(limit)s") % {"limit": f"{w.limits[-1][1]:.1f}"} if w.limits else "")
        if w.value is not None
        else _("%(window)s 无数据") % {"window": w.words}
        for w in held
    ]
    return _("到现在的雨量：") + " · ".join(said)


def _silent(request: ActorRequest, gauges: list[Place]) -> list[tuple[Place, datetime | None]]:
    """Gauges that are not heard now, with when they last were (None = never)."""
    latest = {v.place_id: v for gauge in gauges for v in latest_values(request.actor, request.now, ("rain",), gauge)}
    out: list[tuple[Place, datetime | None]] = []
    for gauge in gauges:
        value = latest.get(str(gauge.id))
        if value is None or not value.known:
            out.append((gauge, value.at if value else None))
    return out


@page("alarms.read")
def place_alarms(request: ActorRequest, code: str) -> HttpResponse:
    """Alarms of a place: the open ones, then those that ended of late."""
    found = find_place(request.actor, code)
    alarms = visible_alarms(request.actor).filter(place=found)
    context = {
        "place": found,
        "open": list(alarms.filter(cleared_at=None).order_by("-level", "-raised_at")),
        "over": list(alarms.exclude(cleared_at=None).order_by("-raised_at")[:ALARMS_SHOWN]),
    }
    return render(request, "desk/alarms_card.html", context)
