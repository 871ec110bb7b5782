"""How values read on screen: minutes, ages, deadlines, masked names and phones. Pure: values in, words out.

Never: a database, a clock, or an unmasked phone.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from anlan.kernel.clock import beijing

SOON_S = 20 * 60
"""Under this many seconds a deadline reads as minutes and seconds and is tinted (design principle 2)."""


@dataclass(frozen=True)
class Deadline:
    """A deadline as the screen says it. word: 剩 or 超时; text: "3:44", "22 分"; state: "", "soon" or "late"."""

    word: str
    text: str
    state: str
    seconds: float


def duration(seconds: float) -> str:
    """A stretch of time: mm:ss under 20 minutes, then minutes, hours, days. Negative counts as its absolute value."""
    seconds = abs(seconds)
    if seconds < SOON_S:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    if seconds < 100 * 60:
        return _("%(n)d 分") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return _("%(n)d 小时") % {"n": seconds // 3600}
    return _("%(n)d 天") % {"n": seconds // 86400}


def deadline(due_at: datetime, now: datetime) -> Deadline:
    """How a deadline stands at `now` (both aware)."""
    left = (due_at - now).total_seconds()
    state = "late" if left < 0 else "soon" if left < SOON_S else ""
    return Deadline(_("超时") if left < 0 else _("剩"), duration(left), state, left)


def age(seconds: float) -> str:
    """How long ago, in whole words: 刚刚, 3 分钟, 2 小时, 4 天."""
    if seconds < 60:
        return _("刚刚")
    if seconds < 3600:
        return _("%(n)d 分钟") % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return _("%(n)d 小时") % {"n": seconds // 3600}
    return _("%(n)d 天") % {"n": seconds // 86400}


def minutes(seconds: float) -> str:
    """A measured step of the loop: 40 秒, 4 分, 4 分 12 秒, 2 小时 5 分."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return _("%(s)d 秒") % {"s": whole}
    if whole < 3600:
        rest = whole % 60
        words = _("%(m)d 分") % {"m": whole // 60}
        return words + (" " + _("%(s)d 秒") % {"s": rest} if rest and whole < 1200 else "")
    return _("%(h)d 小时 %(m)d 分") % {"h": whole // 3600, "m": whole % 3600 // 60}


def day(moment: datetime) -> str:
    """The date in Beijing as the top bar says it: 7月21日 周二. Never a weekday in another language than the page's."""
    local = beijing(moment)
    weekdays = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
    date = _("%(month)d月%(day)d日") % {"month": local.month, "day": local.day}
    return f"{date} {weekdays[local.weekday()]}"


_SPAN = re.compile(r"(\d+)(min|h|d)")


def span(text: str) -> str:
    """A window as packs name it, in words: 1h → 1 小时, 90min → 90 分钟; another name as it is."""
    found = _SPAN.fullmatch(text)
    if not found:
        return text
    unit = {"min": _("%(n)d 分钟"), "h": _("%(n)d 小时"), "d": _("%(n)d 天")}[found[2]]
    return unit % {"n": int(found[1])}


def clock_time(moment: datetime | None, now: datetime | None = None) -> str:
    """Beijing time 02:47; with `now` on another day also the date: 7-20 23:56. "—" when there is none."""
    if moment is None:
        return "—"
    local = beijing(moment)
    if now is not None and local.date() != beijing(now).date():
        return f"{local.month}-{local.day} {local:%H:%M}"
    return f"{local:%H:%M}"
