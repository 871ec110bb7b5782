"""What templates say with one word: icons, level badges, deadlines, times, masked values, filters in the address.

Never: a query, a permission decided here, or an unescaped value of a user.
"""

import json
from datetime import datetime
from typing import Any

from django import template
from django.http import QueryDict
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from anlan.kernel.actor import Actor
from anlan.kernel.modes import LEVEL_NAMES, LEVEL_WORDS
from anlan.kernel.privacy import mask_name, mask_phone
from anlan.ui import words
from anlan.ui.icons import ICONS, LOGO
from anlan.ui.language import say

register = template.Library()

register.filter("mask_name", mask_name)
register.filter("mask_phone", mask_phone)
register.filter("say", say)
register.filter("minutes", words.minutes)
register.filter("span", words.span)
register.filter("day", words.day)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An inline drawing. Raises KeyError for a name that icons.py does not know."""
    body = mark_safe(ICONS[name])  # noqa: S308 - constants of this program
    return format_html('<svg class="ic {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', css, body)


@register.simple_tag
def logo() -> SafeString:
    return mark_safe(LOGO)  # noqa: S308 - a constant of this program


@register.simple_tag
def level(number: int | None, css: str = "", word: str = "") -> SafeString:
    """The level badge: colour, bars and word. None or 0 = no warning in force."""
    number = number or 0
    text = word or (say(LEVEL_WORDS[number]) if number else _("无预警"))
    return format_html('<span class="level {} {}">{}</span>', LEVEL_NAMES[number], css, text)


@register.filter
def level_name(number: int | None) -> str:
    """The css name of a level number: none blue yellow orange red."""
    return LEVEL_NAMES[number or 0]


@register.simple_tag
def deadline(due_at: datetime | None, now: datetime) -> SafeString:
    """`剩 3:44` / `超时 1:42`, ticked on by the browser from the server's time (static/ui/live.js)."""
    if due_at is None:
        return format_html('<span class="meta">{}</span>', _("无期限"))
    stand = words.deadline(due_at, now)
    return format_html('<span class="when" data-due="{}">{} <b>{}</b></span>', millis(due_at), stand.word, stand.text)


@register.filter
def due_state(due_at: datetime | None, now: datetime) -> str:
    """ "", "soon" or "late", the css of `.due`."""
    return words.deadline(due_at, now).state if due_at else ""


@register.filter
def millis(moment: datetime) -> int:
    """Unix time in ms, for scripts."""
    return int(moment.timestamp() * 1000)


@register.filter
def clock_time(moment: datetime | None, now: datetime | None = None) -> str:
    """Beijing time; with `now` the date is added when it is another day."""
    return words.clock_time(moment, now)


@register.filter
def age(moment: datetime | None, now: datetime) -> str:
    """How long ago; "从未" for something that never happened."""
    return words.age((now - moment).total_seconds()) if moment else _("从未")


@register.filter
def until(start: datetime, end: datetime) -> str:
    """Minutes from one moment to another, as a measured step."""
    return words.minutes((end - start).total_seconds())


@register.simple_tag
def of(part: float | None, whole: float | None, unit: str = "") -> SafeString:
    """A figure with its denominator. Unknown stays unknown: "?" and never 0."""
    shown = "?" if part is None else f"{part:,}"
    total = "?" if whole is None else f"{whole:,}"
    return format_html('{}<span class="den"> / {} {}</span>', shown, total, unit)


@register.filter
def may(actor: Actor | None, permission: str) -> bool:
    """Whether a button is worth showing; the command decides again."""
    return actor is not None and actor.may(permission)


@register.filter
def of_key(mapping: dict[Any, Any], key: Any) -> Any:
    """Look a key up; "" when absent."""
    return mapping.get(key, "")


@register.filter
def to_json(value: Any) -> str:
    """JSON for a data attribute (the template escapes it)."""
    return json.dumps(value, ensure_ascii=False, default=str)


@register.simple_tag(takes_context=True)
def query(context: RequestContext, **changes: Any) -> str:
    """The address's query with some values changed; None or "" removes one. Page 1 again unless told otherwise."""
    values: QueryDict = context["request"].GET.copy()
    for key in ("page", "format"):
        values.pop(key, None)
    for key, value in changes.items():
        values.pop(key, None)
        if value not in (None, ""):
            values[key] = str(value)
    return "?" + values.urlencode()
