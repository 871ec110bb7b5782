"""Lines of a chart: which series a place's metric or a device's element is, its words and unit, its points as rows.

One source for the page, the API and the exports, so that they never say different things. Reads only what the actor
sees; a place or a device outside is not found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from anlan.base.places.models import Place
from anlan.base.places.queries import place as find_place
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.language import say

from .blocks import GOOD, QUALITY_WORDS
from .chunks import DAY_MS
from .folding import counting_of
from .models import Device, Series
from .queries import moment, ms, source_packs, stale_after, truth
from .ranges import KINDS, Points, broken, forecast_points, points

LINES_MOST = 6
FORECAST = ".forecast"  # the end of the name of a metric that says what will be
LONGEST = timedelta(days=366 * 100)
STEP_WORDS = {0: "逐条", 60_000: "1 分钟", 300_000: "5 分钟", 600_000: "10 分钟", 1_800_000: "30 分钟",
              3_600_000: "小时", 86_400_000: "日（8 时至次日 8 时）"}  # fmt: skip
METRICS: dict[str, tuple[str, str]] = {
    "rain": ("雨量", "mm"), "stage": ("水位", "m"), "rain.accumulated": ("累计雨量", "mm"),
    "rain.five_minute": ("5 分钟雨量", "mm"), "rain.current": ("当前雨量", "mm"), "rain.day": ("日雨量", "mm"),
    "rain.1h": ("1 小时雨量", "mm"), "voltage": ("电源电压", "V"), "flow": ("流量", "m³/s"),
    "temperature": ("气温", "℃"), "soil.10cm": ("土壤含水量 10 厘米", "%"), "groundwater": ("地下水位", "m"),
}  # fmt: skip
"""Words and unit of metrics; one that is not here is called as it is stored."""


@dataclass(frozen=True)
class Asked:
    """What a chart shows: lines in start < time ≤ end. step: one of KINDS, "" = by the length of the range."""

    start: datetime
    end: datetime
    step: str = ""

    def check(self) -> "Asked":
        if not self.start < self.end:
            raise Invalid("from", _("开始时间应早于结束时间"))
        if self.end - self.start > LONGEST:
            raise Invalid("from", _("时段太长"), _("最长 100 年"))
        if self.step not in ("", *KINDS):
            raise Invalid("step", _("“%(value)s”不能用") % {"value": self.step}, "、".join(KINDS))
        return self


@dataclass(frozen=True)
class Line:
    """One line. rain: its values are what fell in each step (or with each reading), and are drawn as bars. raw: the
    stored element as it was sent, also where that is a running total. longest_ms: after so long without a reading it
    is broken."""

    series: int
    place: Place
    metric: str
    name: str
    unit: str
    rain: bool
    points: Points
    longest_ms: int

    @property
    def step_words(self) -> str:
        return say(STEP_WORDS[self.points.step_ms])


def metric_words(metric: str) -> str:
    """What a metric is called; an element without words is called as it is stored."""
    base = metric.removesuffix(FORECAST)
    words = say(METRICS[base][0]) if base in METRICS else base
    return words if base == metric else _("%(metric)s预报") % {"metric": words}


def unit_of(metric: str) -> str:
    """The unit of a metric; "" = not known."""
    return METRICS.get(metric.removesuffix(FORECAST), ("", ""))[1]


def place_line(actor: Actor, code: str, metric: str, asked: Asked) -> Line:
    """A metric of a place as it is judged; an element that no source pack names as it is stored. Raises NotFound."""
    place = find_place(actor, code)
    if metric in source_packs():
        found = truth(place, metric)
        number = found[0] if found else None
    else:
        number = Series.objects.filter(device__place=place, metric=metric).values_list("id", flat=True).first()
    if number is None:
        raise NotFound("sensing.no_series", _("对象 %(code)s 没有这种监测数据") % {"code": code})
    return _line(number, place, metric, place.name, asked, raw=metric not in source_packs())


def series_line(actor: Actor, number: int, asked: Asked) -> Line:
    """One element of a device as it is stored. Raises NotFound."""
    found = visible_series(actor).filter(id=number).select_related("device__place").first()
    if found is None:
        raise NotFound("sensing.no_series", _("没有序列 %(number)d") % {"number": number})
    place = found.device.place
    name = f"{place.name} {metric_words(found.metric)}"
    return _line(number, place, found.metric, name, asked, raw=True)


def visible_series(actor: Actor) -> QuerySet[Series]:
    """The series of the devices that the actor sees."""
    return Series.objects.filter(device__in=Device.objects.visible_to(actor))


def _line(number: int, place: Place, metric: str, name: str, asked: Asked, *, raw: bool) -> Line:
    counting = None if raw else counting_of([number]).get(number)
    low, high = ms(asked.start), ms(asked.end)
    longest = round(stale_after(place).total_seconds() * 1000)
    if metric.endswith(FORECAST):
        found, longest = forecast_points(number, low, high), DAY_MS  # it says what it says: it is never late
    else:
        found = points(number, low, high, counting, asked.step)
    return Line(number, place, metric, name, unit_of(metric), counting is not None, found, longest)


def lines(actor: Actor, places: Sequence[str], metric: str, numbers: Sequence[int], asked: Asked) -> list[Line]:
    """The lines of places in one metric, and of single series. Raises Invalid for more than LINES_MOST or none."""
    if not 0 < len(places) + len(numbers) <= LINES_MOST:
        raise Invalid("place", _("一张图要 1 到 %(n)d 条线") % {"n": LINES_MOST})
    asked.check()
    found = [place_line(actor, code, metric, asked) for code in dict.fromkeys(places)]
    return found + [series_line(actor, number, asked) for number in dict.fromkeys(numbers)]


def columns(line: Line) -> dict[str, list[int] | list[float | None]]:
    """Arrays of one line, a row of nothing wherever it must be broken: t (Unix ms), v, low, high, n, q, doubtful."""
    found, cuts = line.points, list(broken(line.points, line.longest_ms))
    between = ((found.times[cuts] + found.times[[cut - 1 for cut in cuts]]) // 2) if cuts else found.times[:0]

    def numbers(values: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[int]:
        return np.insert(values, cuts, 0).tolist() if len(values) else []

    def values(column: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[float | None]:
        filled = np.insert(column, cuts, np.nan) if len(column) else column
        return [None if value != value else value for value in filled.tolist()]

    return {
        "t": np.insert(found.times, cuts, between).tolist(), "v": values(found.value), "low": values(found.low),
        "high": values(found.high), "n": numbers(found.count), "q": numbers(found.quality),
        "doubtful": numbers(found.doubtful),
    }  # fmt: skip


def rows(line: Line) -> Iterator[tuple[datetime, float | None, float | None, float | None, int, str]]:
    """(end of the step or time of the reading, value, least, greatest, count, quality in words), in order of time."""
    found = line.points
    for n, at in enumerate(found.times.tolist()):
        value = float(found.value[n])
        low = float(found.low[n]) if len(found.low) else None
        high = float(found.high[n]) if len(found.high) else None
        quality = int(found.quality[n])
        said = "" if quality == GOOD else say(QUALITY_WORDS[quality])
        if found.step_ms and found.doubtful[n]:
            said = _("%(n)d 条不可用") % {"n": int(found.doubtful[n])}
        yield moment(at), _known(value), _known(low), _known(high), int(found.count[n]), said


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else value
