"""The registry of pages in the navigation: slices add their items in `screens.py`, the frame draws them.

Never: an item for a page that does not exist, or a permission looser than the page's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.kernel.actor import Actor
from anlan.kernel.registry import Registry

GROUPS = ("now", "handle", "calm", "other")


@dataclass(frozen=True)
class Count:
    """The figure beside an item. hot: it needs somebody now."""

    number: int
    hot: bool = False


@dataclass(frozen=True)
class NavItem:
    """One page. label: msgid, Chinese. url_name: a name of the site's urls without arguments.

    permission: who sees it (None = everybody logged in). group: one of GROUPS. order: inside the group.
    tab: place in the phone's bar, 0 = not there. count: figure for an actor at a moment, None = none.
    """

    label: str
    url_name: str
    icon: str
    group: str
    order: int
    permission: str | None = None
    tab: int = 0
    count: Callable[[Actor, datetime], Count | None] | None = None


@dataclass(frozen=True)
class Link:
    """An item as it is drawn for one request."""

    label: str
    url: str
    icon: str
    current: bool
    count: Count | None


NAVIGATION: Registry[NavItem] = Registry("navigation item")


def group_title(group: str) -> str:
    """The heading of a group."""
    return {"now": _("现在"), "handle": _("处置"), "calm": _("平时"), "other": _("其他")}[group]


def items_for(actor: Actor) -> list[NavItem]:
    """What this actor may open, in the order of the tree."""
    allowed = [item for item in NAVIGATION.values() if item.permission is None or actor.may(item.permission)]
    return sorted(allowed, key=lambda item: (GROUPS.index(item.group), item.order))


def links(actor: Actor, now: datetime, path: str) -> list[tuple[NavItem, Link]]:
    """Items with addresses and counts. The item whose address is the longest prefix of `path` is current."""
    drawn = [(item, reverse(item.url_name)) for item in items_for(actor)]
    inside = [url for _item, url in drawn if path == url or (url != "/" and path.startswith(url))]
    current = max(inside, key=len, default="")
    return [
        (item, Link(_(item.label), url, item.icon, url == current, item.count(actor, now) if item.count else None))
        for item, url in drawn
    ]
