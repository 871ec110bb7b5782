"""What the card of a curve is drawn from: one dataclass for places, devices and comparisons. Pure; no query.

curves.js reads `data` and asks the API for the lines; everything that it says stands here in the page's language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

RANGES = {"1": "1 小时", "6": "6 小时", "24": "24 小时", "72": "3 天", "168": "7 天", "720": "30 天", "8760": "1 年"}
DEFAULT_HOURS = "24"


@dataclass(frozen=True)
class Limit:
    """A dashed line. span: "" = it is compared with the value; else with rain in such a window."""

    level: str
    words: str
    value: float
    span: str = ""


@dataclass(frozen=True)
class Latest:
    """The newest value beside the title. value: None = not known, or not worth a figure; at: None = never heard."""

    name: str
    value: float | None
    at: datetime | None
    known: bool


@dataclass(frozen=True)
class Before:
    """An earlier event to lay over this one: its `at_ms` is drawn at `here_ms`, 0 = the end of the range."""

    words: str
    at_ms: int
    here_ms: int


@dataclass(frozen=True)
class Curve:
    """One chart with its controls. tabs: (words, card's address, page's address, chosen)."""

    title: str
    metric: str
    unit: str
    first_ms: int | None
    now: datetime
    places: Sequence[str] = ()
    series: Sequence[int] = ()
    tabs: Sequence[tuple[str, str, str, bool]] = ()
    limits: Sequence[Limit] = ()
    before: Before | None = None
    forecast: str = ""
    compare: str = ""
    hours: str = DEFAULT_HOURS
    may_export: bool = False
    latest: Sequence[Latest] = ()

    @property
    def ranges(self) -> list[tuple[str, str]]:
        return [(hours, _(words)) for hours, words in RANGES.items()]

    @property
    def data(self) -> dict[str, Any]:
        """For curves.js."""
        return {
            "url": "/api/v1/readings/chart", "export": reverse("chart-export"), "places": list(self.places),
            "series": list(self.series), "metric": self.metric, "unit": self.unit, "hours": float(self.hours),
            "first": self.first_ms, "now": round(self.now.timestamp() * 1000),
            "limits": [{"level": one.level, "words": one.words, "value": one.value, "span": one.span}
                       for one in self.limits],
            "before": None if self.before is None else
            {"words": self.before.words, "at": self.before.at_ms, "here": self.before.here_ms},
            "forecast": self.forecast,
            "words": {
                "mean": _("均值"), "range": _("最小到最大"), "fell": _("雨量"), "count": _("条"), "none": _("无数据"),
                "doubtful": _("条不可用"), "forecast": _("预报"), "nothing": _("这段时间没有数据"),
                "failed": _("没取到数据"), "reading": _("逐条数据"), "hour": _("每小时一点，带最小到最大"),
                "day": _("每日（8 时至次日 8 时）一点，带最小到最大"), "minutes": _("分钟一点，带最小到最大"),
                "rain_reading": _("每次来报的雨量"), "rain_hour": _("每小时雨量"),
                "rain_day": _("日雨量（8 时至次日 8 时）"), "rain_minutes": _("分钟雨量"), "waiting": _("正在取"),
                "keys": _("左右键平移，加减键缩放"),
            },
        }  # fmt: skip
