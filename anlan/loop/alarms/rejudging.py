"""Stored readings judged again: what would have been raised in a range, beside the alarms that were. Reads only.

The readings of the range, and of a day before it (windows look back), go through a kernel of its own in order of event
time, as if each had come at once; the clock ticks each hour.
Never: a change to an alarm; what is told here a person weighs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from anlan.base.places.models import Place
from anlan.kernel.judging.cases import Episode, Told
from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.plan import Feed, Plan, build
from anlan.loop.sensing.blocks import JUDGED
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.queries import moment, ms, source_packs
from anlan.loop.sensing.reader import stored_readings

from .judging import facts_of_place, rule_packs, sources_of
from .models import Alarm

BEFORE = timedelta(hours=26)
AT_ONCE_MS = 3_600_000


@dataclass(frozen=True)
class Raised:
    """An alarm as judging again makes it. cleared_at: None = not by the end of the range."""

    rule: str
    place: Place
    raised_at: datetime
    level: int
    cleared_at: datetime | None


@dataclass(frozen=True)
class Difference:
    """kind: missing (it would have been raised), extra (it was, and would not be), level (another highest level)."""

    kind: str
    rule: str
    place: Place
    at: datetime
    was: int
    would_be: int


def judge_again(start: datetime, end: datetime) -> list[Raised]:
    """What the rules in force now make of what is stored of start < time ≤ end."""
    places = {str(place.id): place for place in Place.objects.filter(valid_to=None).order_by("code")}
    plan = _plan(places, start.year)
    kernel = Kernel(plan.series, plan.slots, combinations=plan.combinations)
    held = stored_readings(plan.feeds, ms(start - BEFORE), ms(end))
    wanted = np.isin(held.quality, JUDGED) & ~np.isnan(held.values)
    order = np.flatnonzero(wanted)[np.argsort(held.times[wanted], kind="stable")]
    feed, times = Feed(plan), held.times[order]
    position = feed.positions(held.series[order])
    whole = feed.fixed(position, held.values[order])
    told = Told()
    for at in range(ms(start - BEFORE), ms(end) + AT_ONCE_MS, AT_ONCE_MS):
        low, high = np.searchsorted(times, [at - AT_ONCE_MS, at], "right").tolist()
        if high > low:
            found = kernel.ingest(position[low:high], times[low:high], whole[low:high], at)
            told.take(kernel.judge_cases(found))
        told.take(kernel.judge_cases(kernel.tick(min(at, ms(end)))))
    raised = [_raised(plan, places, one) for one in told.episodes() if not rule_packs()[plan.cases[one.case].rule].part]
    return sorted((one for one in raised if one.raised_at > start), key=lambda one: (one.raised_at, one.place.code))


def _plan(places: dict[str, Place], year: int) -> Plan:
    rules = [pack for pack in rule_packs().values() if pack.status == "stable"]
    facts = [facts_of_place(place) for place in places.values()]
    return build(rules, source_packs().values(), facts, sources_of(Series.objects.all()), year)


def _raised(plan: Plan, places: dict[str, Place], one: Episode) -> Raised:
    found = plan.cases[one.case]
    ended = None if one.ended is None else moment(one.ended.true_at)
    return Raised(found.rule, places[found.place], moment(one.begun.true_at), one.peak, ended)


def differences(start: datetime, end: datetime) -> list[Difference]:
    """Judged again against the alarms that were raised in the range (by event time, rule and place)."""
    again = {(one.rule, one.place.id, one.raised_at): one for one in judge_again(start, end)}
    alarms = Alarm.objects.filter(raised_at__gt=start, raised_at__lte=end).select_related("place")
    was = {(one.rule, one.place_id, one.raised_at): one for one in alarms}
    out = [Difference("missing", one.rule, one.place, one.raised_at, 0, one.level) for key, one in again.items()
           if key not in was]  # fmt: skip
    for key, alarm in was.items():
        now = again.get(key)
        if now is None:
            out.append(Difference("extra", alarm.rule, alarm.place, alarm.raised_at, alarm.peak_level, 0))
        elif now.level != alarm.peak_level:
            out.append(Difference("level", alarm.rule, alarm.place, alarm.raised_at, alarm.peak_level, now.level))
    return sorted(out, key=lambda one: (one.at, one.place.code))
