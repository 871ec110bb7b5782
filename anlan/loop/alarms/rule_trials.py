"""What a rule would have raised over the stored readings: judged by the kernel, raising nothing, calling nobody.

Bounded: the newest days are read first, for so many seconds and readings; what that left out is said. One day more than
is counted is judged, so that windows are full where counting begins. Never: an alarm, a journal line, an endless run.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict
from anlan.kernel.judging import cases
from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.packs import RulePack
from anlan.kernel.judging.plan import Feed, PlaceFacts, Plan, Source, build
from anlan.loop.sensing.blocks import JUDGED, Columns
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.queries import moment, ms, newest_block, source_packs
from anlan.loop.sensing.reader import stored_readings

from .judging import facts_of_place, sources_of
from .rulebook import rules as rules_in_force

DAY_MS = 86_400_000
SECONDS = 4.0
"""So long readings are read; judging them takes a fraction of that."""
MOST_READINGS = 4_000_000
MOST_PLACES = 2000
KEPT = 32
_turn = threading.Lock()
_kept: "OrderedDict[tuple[object, ...], Trial]" = OrderedDict()


@dataclass(frozen=True)
class Episode:
    """One alarm that would have been. level: its highest. ended: None = still standing at the end."""

    place: Place
    level: int
    begun: datetime
    ended: datetime | None


@dataclass(frozen=True)
class Trial:
    """days: asked; covered: counted. places: judged; left: not even tried; gaps: places without data or limits."""

    days: int
    covered: int
    start: datetime
    end: datetime
    readings: int
    places: int
    left: int
    gaps: list[str]
    episodes: list[Episode]

    def levels(self) -> dict[int, int]:
        """Alarms by their highest level, 4 first."""
        counted = Counter(one.level for one in self.episodes)
        return {level: counted.get(level, 0) for level in (4, 3, 2, 1)}


@dataclass(frozen=True)
class Basis:
    """Places and series that rules are tried on."""

    facts: list[PlaceFacts]
    sources: list[Source]
    places: dict[str, Place]
    left: int

    def plan(self, rule: RulePack) -> Plan:
        """With the rules that a combination is made of."""
        parts = [other for urn, other in rules_in_force().items() if urn in rule.members]
        return build([*parts, rule], source_packs().values(), self.facts, self.sources)


def basis(actor: Actor, rule: RulePack) -> Basis:
    """What the actor sees of the places that the rule applies to, with every gauge that may feed it."""
    mine = visible_places(actor).filter(kind=rule.applies_to, valid_to=None).order_by("code")
    chosen = list(mine[:MOST_PLACES])
    stored = Series.objects.select_related("device__place").filter(device__place__mode=actor.mode)
    gauges = {one.device.place_id: one.device.place for one in stored if one.device.place.kind != rule.applies_to}
    every = {str(place.id): place for place in (*chosen, *gauges.values())}
    facts = [facts_of_place(place) for place in every.values()]
    return Basis(facts, sources_of(stored), every, max(0, mine.count() - len(chosen)))


def gaps(actor: Actor, rule: RulePack) -> list[str]:
    """Names of the places that the rule cannot judge: no data source, or no limits."""
    ground = basis(actor, rule)
    return _gap_names(ground, ground.plan(rule), rule.urn)


def _gap_names(ground: Basis, plan: Plan, urn: str) -> list[str]:
    names = {place.code: place.name for place in ground.places.values()}
    codes = [gap.rsplit(": ", 1)[-1] for gap in plan.gaps if gap.startswith(f"{urn}: ")]
    return [names.get(code, code) for code in codes]


def run(actor: Actor, rules: Iterable[RulePack], *, days: int, now: datetime, seconds: float = SECONDS) -> list[Trial]:
    """Each rule over the same readings of the last `days` days. Raises Conflict while another trial runs."""
    wanted = list(rules)
    if not _turn.acquire(timeout=seconds):
        raise Conflict("rules.trial_busy", "另一次试算还没有算完", "过几秒再试")
    try:
        ground = basis(actor, wanted[0])
        plans = [ground.plan(rule) for rule in wanted]
        numbers = {number for plan in plans for number in plan.feeds}
        record = _read(numbers, days, ms(now), seconds)
        return [_judged(ground, plan, one.urn, record, days, now) for one, plan in zip(wanted, plans, strict=True)]
    finally:
        _turn.release()


def kept(actor: Actor, rule: RulePack, *, days: int, now: datetime) -> Trial:
    """`run` of one rule, once for what is stored now and for this hour."""
    key = (rule.ref, actor.areas, actor.kinds, actor.mode, days, newest_block(), ms(now) // 3_600_000)
    found = _kept.get(key)
    if found is None:
        found = _kept[key] = run(actor, [rule], days=days, now=now)[0]
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def _read(numbers: set[int], days: int, end: int, seconds: float) -> list[Columns]:
    """Days of readings, the newest first: as many as time and room allow, at least the newest two."""
    until, parts, total = time.monotonic() + seconds, [], 0
    for day in range(days + 1):
        part = stored_readings(numbers, end - (day + 1) * DAY_MS, end - day * DAY_MS)
        parts.append(part)
        total += len(part)
        if day and (time.monotonic() > until or total > MOST_READINGS):
            break
    return parts


def _judged(ground: Basis, plan: Plan, urn: str, record: list[Columns], days: int, now: datetime) -> Trial:
    end, covered = ms(now), min(days, len(record) - 1)
    start = end - covered * DAY_MS
    told = [_episode(ground, plan, one) for one in _told(plan, record, end) if plan.cases[one.case].rule == urn]
    episodes = [one for one in told if one.ended is None or ms(one.ended) > start]
    readings = sum(len(part) for part in record[:covered])
    return Trial(
        days, covered, moment(start), now, readings, sum(case.rule == urn for case in plan.cases), ground.left,
        _gap_names(ground, plan, urn),
        sorted(episodes, key=lambda one: (-one.level, one.begun)),
    )  # fmt: skip


def _told(plan: Plan, record: list[Columns], end: int) -> list[cases.Episode]:
    """All that the cases did."""
    kernel, feed, told = Kernel(plan.series, plan.slots, combinations=plan.combinations), Feed(plan), cases.Told()
    for back, part in reversed(list(enumerate(record))):
        at = feed.positions(part.series)
        wanted = np.flatnonzero((at >= 0) & np.isin(part.quality, JUDGED))
        wanted = wanted[np.argsort(part.times[wanted], kind="stable")]
        at = at[wanted]
        values = feed.fixed(at, part.values[wanted])
        told.take(kernel.judge_cases(kernel.ingest(at, part.times[wanted].astype(np.int64), values)))
        told.take(kernel.judge_cases(kernel.tick(end - back * DAY_MS)))
        kernel.fold()
    return told.episodes()


def _episode(ground: Basis, plan: Plan, one: cases.Episode) -> Episode:
    place = ground.places[plan.cases[one.case].place]
    ended = None if one.ended is None else moment(one.ended.true_at)
    return Episode(place, one.peak, moment(one.begun.true_at), ended)


@dataclass(frozen=True)
class Comparison:
    """What other numbers do: alarms that appear, vanish, or reach another level (old, new)."""

    appear: list[Episode]
    vanish: list[Episode]
    other: list[tuple[Episode, Episode]]


def compare(old: Trial, new: Trial) -> Comparison:
    """Alarms of a place that overlap in time are the same one."""
    by_place: dict[object, list[Episode]] = {}
    for one in old.episodes:
        by_place.setdefault(one.place.pk, []).append(one)
    met: set[int] = set()
    appear, other = [], []
    for one in new.episodes:
        same = [past for past in by_place.get(one.place.pk, []) if _overlap(past, one)]
        met.update(id(past) for past in same)
        if not same:
            appear.append(one)
        elif max(past.level for past in same) != one.level:
            other.append((max(same, key=lambda past: past.level), one))
    return Comparison(appear, [one for one in old.episodes if id(one) not in met], other)


def _overlap(one: Episode, two: Episode) -> bool:
    return (one.ended is None or two.begun <= one.ended) and (two.ended is None or one.begun <= two.ended)
