"""How a device's talk reads on screen: clock offsets and what stations answered. Never: a database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from anlan.ui.words import duration

from .models import Contact


def clock_wrong(contact: Contact | None) -> bool:
    """Whether a device's clock was off by more than the site allows when it was last in touch."""
    if contact is None or contact.offset_ms is None:
        return False
    return bool(abs(contact.offset_ms) > settings.CONFIG.clock_limit_s * 1000)


def offset_word(contact: Contact | None) -> str:
    """快 or 慢 and how much; empty where it does not say, 准 within the limit."""
    if contact is None or contact.offset_ms is None:
        return ""
    if not clock_wrong(contact):
        return _("准")
    words = {"much": duration(contact.offset_ms / 1000)}
    return _("快 %(much)s") % words if contact.offset_ms > 0 else _("慢 %(much)s") % words


def answer_rows(answer: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """A station's answer as lines of name and value; what the protocol does not name is left to the raw text."""
    rows: list[tuple[str, str]] = []
    for one in (answer or {}).get("elements", []):
        values = one.get("values", [one.get("value")])
        said = "、".join(_("缺") if value is None else f"{value:g}" if isinstance(value, float | int) else str(value)
                        for value in values)  # fmt: skip
        rows.append((one.get("name") or one["id"], f"{said} {one.get('unit', '')}".strip()))
    for one in (answer or {}).get("parameters", []):
        rows.append((one.get("name") or one["id"], f"{one.get('value')} {one.get('unit', '')}".strip()))
    return rows


def answer_clock(answer: Mapping[str, Any] | None) -> datetime | None:
    """The station's own clock when it answered (Beijing time without zone), None where it did not say."""
    said = (answer or {}).get("send_time")
    return datetime.fromisoformat(said) if said else None
