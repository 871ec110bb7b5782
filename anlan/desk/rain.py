"""Rain at a place beside the limits it is judged by: one figure per window, from the wettest of its gauges."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.judging.plan import span_ms
from anlan.loop.alarms.queries import limits_of
from anlan.loop.sensing.rain import rain_sums
from anlan.ui import words

WINDOWS = {"1h": timedelta(hours=1), "3h": timedelta(hours=3), "6h": timedelta(hours=6), "24h": timedelta(hours=24)}


@dataclass(frozen=True)
class Window:
    """One window that ends now. value: mm, None = unknown; partial: from a gauge that is silent now, so at least that
    much. limits: (level, mm). level: the one reached, 0 = none;
    share: value over the highest limit in percent, None = unknown or without limits."""

    span: str
    length: timedelta
    value: float | None
    gauge: Place | None
    limits: list[tuple[int, float]]
    partial: bool = False

    @property
    def words(self) -> str:
        return words.span(self.span)

    @property
    def level(self) -> int:
        value = self.value
        return 0 if value is None else max((level for level, limit in self.limits if value >= limit), default=0)

    @property
    def share(self) -> int | None:
        return None if self.value is None or not self.limits else round(self.value / self.limits[-1][1] * 100)


def gauges_of(actor: Actor, place: Place) -> tuple[list[Place], int]:
    """The gauges that tell a place's rain, and how many more there are that the actor may not see."""
    if place.kind == "rain_gauge":
        return [place], 0
    codes = place.attributes.get("gauges", [])
    found = {gauge.code: gauge for gauge in visible_places(actor).filter(code__in=codes)}
    return [found[code] for code in codes if code in found], len(codes) - len(found)


def windows(actor: Actor, place: Place, now: datetime) -> list[Window]:
    """Every window the place is judged by; for a place without rain limits the usual four."""
    limits = limits_of(place, "rain")
    lengths = {span: timedelta(milliseconds=ms) for span in limits if (ms := span_ms(span, None))} or WINDOWS
    gauges, _hidden = gauges_of(actor, place)
    sums = rain_sums(actor, gauges, lengths, now)
    out = []
    for span, length in sorted(lengths.items(), key=lambda pair: pair[1]):
        heard = [(value, gauge) for gauge in gauges if (value := sums[gauge.id].by_window[span]) is not None]
        value, gauge = max(heard, key=lambda pair: pair[0]) if heard else (None, None)
        partial = gauge is not None and sums[gauge.id].partial
        out.append(Window(span, length, value, gauge, limits.get(span, []), partial))
    return out


def nearest(found: list[Window]) -> Window | None:
    """The window that is nearest to its limit; the shortest where there are no limits. None = there are no windows."""
    with_limits = [window for window in found if window.share is not None]
    return max(with_limits, key=lambda window: window.share or 0) if with_limits else next(iter(found), None)
