"""Rain as pages show it: what fell in each step of a range, and the sliding sums that limits are compared with.

Sums are of hundredths, so that a page never shows another figure than the one that was judged. What was not heard is
None, never zero. Never: a limit; those come from rule packs and are laid beside these figures by whoever draws them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from anlan.base.places.models import Place
from anlan.kernel.actor import Actor

from .queries import places_values, stale_after

Fallen = list[tuple[datetime, float | None]]
HUNDREDTHS = 100


@dataclass(frozen=True)
class GaugeRain:
    """One gauge over a range. bars: mm in each step, None = nothing heard in it. total: mm since the range began;
    sliding: mm in the chosen window that ends with each step; both None while the gauge is silent."""

    place: Place
    bars: list[float | None]
    total: list[float | None]
    sliding: list[float | None]


@dataclass(frozen=True)
class RainSums:
    """mm by window, None = unknown. partial: the gauge is silent now, so a sum is only what it had said: at least."""

    by_window: dict[str, float | None]
    partial: bool


@dataclass(frozen=True)
class RainChart:
    """Rain of some gauges. ends: the end of each step; step_min: its length in minutes."""

    ends: list[datetime]
    step_min: int
    gauges: list[GaugeRain]

    @property
    def heard(self) -> bool:
        return any(value is not None for gauge in self.gauges for value in gauge.bars)


def rain_chart(
    actor: Actor, gauges: list[Place], *, hours: int, step_min: int, window: timedelta | None, now: datetime
) -> RainChart:
    """Bars of `step_min` minutes over the last `hours`, ending with the step that `now` is in."""
    step = timedelta(minutes=step_min)
    end = datetime.fromtimestamp((now.timestamp() // step.total_seconds() + 1) * step.total_seconds(), now.tzinfo)
    count = hours * 60 // step_min
    ends = [end - step * back for back in reversed(range(count))]
    start = ends[0] - step
    fallen = places_values(actor, gauges, "rain", start - (window or timedelta(0)), now)
    return RainChart(ends, step_min, [_gauge(place, fallen[place.id], ends, step, window, now) for place in gauges])


def _gauge(
    place: Place, fallen: Fallen, ends: list[datetime], step: timedelta, window: timedelta | None, now: datetime
) -> GaugeRain:
    bars = [summed(fallen, end - step, end) for end in ends]
    spoke = [not silent_at(place, fallen, min(end, now)) for end in ends]
    total: list[float | None] = []
    so_far: float | None = None
    for bar, heard in zip(bars, spoke, strict=True):
        if bar is not None:
            so_far = _add(so_far, bar)
        total.append(so_far if heard else None)
    sliding = [
        summed(fallen, end - window, end) if heard else None for end, heard in zip(ends, spoke, strict=True)
    ] if window else []  # fmt: skip
    return GaugeRain(place, bars, total, sliding)


def silent_at(place: Place, fallen: Fallen, moment: datetime) -> bool:
    """Whether a gauge had said nothing for more than three of its intervals at a moment."""
    last = max((at for at, value in fallen if value is not None and at <= moment), default=None)
    return last is None or moment - last > stale_after(place)


def _add(a: float | None, b: float) -> float:
    return (round((a or 0) * HUNDREDTHS) + round(b * HUNDREDTHS)) / HUNDREDTHS


def summed(fallen: Fallen, start: datetime, end: datetime) -> float | None:
    """mm that fell, start < time ≤ end; None = nothing was heard in that time."""
    found = [value for at, value in fallen if value is not None and start < at <= end]
    return sum(round(value * HUNDREDTHS) for value in found) / HUNDREDTHS if found else None


def rain_sums(
    actor: Actor, gauges: Iterable[Place], windows: Mapping[str, timedelta], now: datetime
) -> dict[UUID, RainSums]:
    """Rain of each gauge in each window that ends now. A silent gauge that had said 0 is unknown, not dry."""
    held = list(gauges)
    longest = max((*windows.values(), *(stale_after(place) for place in held)), default=timedelta(0))
    fallen = places_values(actor, held, "rain", now - longest, now)
    out = {}
    for place in held:
        partial = silent_at(place, fallen[place.id], now)
        sums = {name: summed(fallen[place.id], now - span, now) for name, span in windows.items()}
        out[place.id] = RainSums({name: (value or None) if partial else value for name, value in sums.items()}, partial)
    return out
