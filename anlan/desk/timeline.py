"""The course of an incident in words: its journal lines, told by whom or where they are about, alike ones together.

Pure over its inputs: lines and names in, what is shown out. Nothing is left out of the journal itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from anlan.base.journal.models import Entry
from anlan.base.journal.references import kind_words
from anlan.loop.calls.rules import OUTCOME_WORDS, Outcome
from anlan.ui import words
from anlan.ui.language import say

GLYPHS = {"alarms": "rain", "incidents": "bell", "calls": "phone", "tasks": "walk"}
SEGMENTS = ("alarms", "calls", "tasks")
TOGETHER_S = 60
"""Alike lines of a call within this many seconds are told in one."""
NAMED = 3
"""So many are named in a line that tells of several; the others are counted."""
GOOD = {"calls.acked", "calls.reached", "tasks.verified", "incidents.closed", "alarms.cleared"}
BAD = {"calls.unreachable", "calls.door_overdue"}


@dataclass(frozen=True)
class Names:
    """Words for the ids in the lines: places by alarm, posts by call, titles by task. Only what the actor sees."""

    alarms: Mapping[str, str]
    calls: Mapping[str, str]
    tasks: Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One line of the course. css: red, done or "". after_s: seconds since the incident began."""

    at: datetime
    glyph: str
    words: str
    detail: str
    level: int
    css: str
    after_s: float


def tell(entries: Iterable[Entry], names: Names, began: datetime, only: str = "") -> list[Line]:
    """The lines in order. only: one of SEGMENTS, "" = all (lines of the incident itself go with the alarms)."""
    shown = [entry for entry in entries if not only or _segment(entry) == only]
    return [_line(group, names, began) for group in _together(shown)]


def _segment(entry: Entry) -> str:
    family = entry.kind.split(".")[0]
    return "alarms" if family == "incidents" else family


def _together(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Lines of calls that are alike and close in time in one group; every other line alone."""
    groups: list[list[Entry]] = []
    open_groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        key = entry.kind, str(entry.data.get("campaign", ""))
        group = open_groups.get(key)
        if group and (entry.happened_at - group[0].happened_at).total_seconds() < TOGETHER_S:
            group.append(entry)
            continue
        groups.append([entry])
        if entry.kind.startswith("calls.") and entry.data.get("call"):
            open_groups[key] = groups[-1]
    return groups


def _line(group: Sequence[Entry], names: Names, began: datetime) -> Line:
    first = group[0]
    family = first.kind.split(".")[0]
    title = kind_words(first.kind)
    if len(group) > 1:
        title = _("%(what)s %(n)d 次") % {"what": title, "n": len(group)}
    own_level = first.kind.startswith("alarms.") or first.kind == "calls.opened"
    return Line(
        at=first.happened_at,
        glyph=GLYPHS.get(family, "clock"),
        words=title,
        detail=_DETAILS.get(family, _nothing)(group, names),
        level=int(first.data.get("level") or 0) if own_level else 0,
        css="done" if first.kind in GOOD else "red" if first.kind in BAD else "",
        after_s=(first.happened_at - began).total_seconds(),
    )


def _nothing(group: Sequence[Entry], names: Names) -> str:
    return ""


def _alarm(group: Sequence[Entry], names: Names) -> str:
    data = group[0].data
    evidence = data.get("evidence") or {}
    parts = [names.alarms.get(str(data.get("alarm", "")), "")]
    if "value" in evidence:
        facts = [str(evidence.get("gauge", "")), words.span(str(evidence.get("span", ""))), f"{evidence['value']:g}"]
        parts.append(" ".join([*filter(None, facts), "≥", f"{evidence.get('limit', 0):g}", evidence.get("unit", "")]))
    return _(" · ").join(filter(None, parts))


def _call(group: Sequence[Entry], names: Names) -> str:
    ends = Counter(str(entry.data["outcome"]) for entry in group if entry.data.get("outcome"))
    whom = list(dict.fromkeys(filter(None, (names.calls.get(str(entry.data.get("call", ""))) for entry in group))))
    said = say("、".join(whom[:NAMED]))
    if len(whom) > NAMED:
        said = _("%(some)s 等 %(n)d 人") % {"some": said, "n": len(whom)}
    outcomes = [
        f"{say(OUTCOME_WORDS[Outcome(end)])}{f' {n}' if len(group) > 1 else ''}" for end, n in ends.most_common()
    ]
    return _(" · ").join(filter(None, [said, say("、".join(outcomes))]))


def _task(group: Sequence[Entry], names: Names) -> str:
    return names.tasks.get(str(group[0].data.get("task", "")), "")


_DETAILS: Mapping[str, Callable[[Sequence[Entry], Names], str]] = {"alarms": _alarm, "calls": _call, "tasks": _task}
