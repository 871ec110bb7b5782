"""What every page's frame shows: navigation, scope, warning level, drill mark, the site's clock, the user.

Slices above add facts through FRAME_FACTS (name → function); the frame itself queries nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from anlan.kernel.actor import Actor
from anlan.kernel.clock import SiteClock, SystemClock, open_clock
from anlan.kernel.modes import Mode
from anlan.kernel.registry import Registry
from anlan.ui.navigation import GROUPS, group_title, links

FRAME_FACTS: Registry[Callable[[HttpRequest, Actor, datetime], object]] = Registry("frame fact")


def site_clock() -> SiteClock | SystemClock:
    """The clock of this site; the browser ticks on at its rate."""
    clock = open_clock(settings.CONFIG.data / "clock.json")
    assert isinstance(clock, SiteClock | SystemClock)
    return clock


def clock_rate() -> float:
    """Site seconds per real second."""
    clock = site_clock()
    return clock.state().rate if isinstance(clock, SiteClock) else 1.0


def frame(request: HttpRequest) -> dict[str, Any]:
    """The template context of the shell; on a page without a logged-in actor only the clock."""
    actor: Actor | None = getattr(request, "actor", None)
    now: datetime = getattr(request, "now", None) or site_clock().now()
    base: dict[str, Any] = {"now": now, "clock_rate": clock_rate(), "demo_site": settings.CONFIG.demo}
    user = getattr(request, "user", None)
    if actor is None or user is None or not user.is_authenticated:
        return {**base, "actor": None, "drill": settings.CONFIG.demo}
    if request.headers.get("HX-Request"):  # a fragment: the shell is not drawn, so nothing is counted
        return {**base, "actor": actor, "drill": actor.mode is Mode.DRILL}
    drawn = links(actor, now, request.path)
    nav = [(group_title(group), [link for item, link in drawn if item.group == group]) for group in GROUPS]
    tabs = [link for item, link in sorted(drawn, key=lambda pair: pair[0].tab) if item.tab][:5]
    facts = {name: fact(request, actor, now) for name, fact in FRAME_FACTS.items()}
    return {
        **base,
        **facts,
        "actor": actor,
        "drill": actor.mode is Mode.DRILL,
        "nav": [(title, items) for title, items in nav if items],
        "tabs": tabs,
    }
