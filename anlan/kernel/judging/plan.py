"""Packs × places → series, slots and cases for the kernel. Pure: the caller says which series exist.

Never: a database, a default limit; a place without the numbers of a rule is not judged by it and is named in `gaps`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from anlan.kernel.judging.cases import Combination, Group
from anlan.kernel.judging.kernel import SeriesSpec, SlotSpec
from anlan.kernel.judging.layout import Ints
from anlan.kernel.judging.limits import Limit, limits_of
from anlan.kernel.judging.neighbours import PlaceFacts, related
from anlan.kernel.judging.packs import ANY, RuleLevel, RulePack, SourceMetric, SourcePack
from anlan.kernel.modes import LEVEL_BY_NAME

__all__ = [
    "Case",
    "Feed",
    "Limit",
    "PlaceFacts",
    "Plan",
    "SlotFacts",
    "Source",
    "build",
    "choose",
    "limit_of",
    "span_ms",
]

UNIT_MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True)
class Source:
    """A stored series that can feed the kernel: place code, raw metric, its number."""

    place: str
    metric: str
    series: int


@dataclass(frozen=True)
class Case:
    """A rule at a place."""

    rule: str
    place: str


@dataclass(frozen=True)
class SlotFacts:
    """What an alarm says about the slot that decided it: place code of the gauge, span, limit in the metric's unit."""

    gauge: str
    metric: str
    unit: str
    span: str
    limit: float
    scale: int


@dataclass
class Plan:
    """Ready for `Kernel`. feeds: stored series → (position in `series`, scale). gaps: what could not be judged.
    place_of, metric_of: by position of a series, the code of its place and its metric."""

    series: list[SeriesSpec] = field(default_factory=list)
    slots: list[SlotSpec] = field(default_factory=list)
    slot_facts: list[SlotFacts] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    combinations: list[Combination] = field(default_factory=list)
    place_of: list[str] = field(default_factory=list)
    metric_of: list[str] = field(default_factory=list)
    feeds: dict[int, tuple[int, int]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


class Feed:
    """From stored series to the kernel. scale: by position, fixed point = value × scale."""

    def __init__(self, plan: Plan) -> None:
        feeds = plan.feeds
        self._position: Ints = np.full(max(feeds, default=0) + 2, -1, np.int64)  # the last: numbers beyond all planned
        self.scale = np.ones(len(plan.series), np.float64)
        for number, (position, scale) in feeds.items():
            self._position[number], self.scale[position] = position, scale

    def positions(self, numbers: Ints) -> Ints:
        """Position in the kernel of each stored series, −1 = it is not judged."""
        found: Ints = self._position[np.minimum(numbers, len(self._position) - 1)]
        return found

    def fixed(self, positions: Ints, values: Any) -> Ints:
        """Values in the fixed point of their series."""
        whole: Ints = np.rint(values * self.scale[positions]).astype(np.int64)
        return whole


def span_ms(text: str, interval_min: float | None) -> int | None:
    """ "3h", "90min", "0", or "interval*3" of a gauge that reports every `interval_min`; None where that is unknown."""
    if text == "0":
        return 0
    found = re.fullmatch(r"interval\*(\d+(?:\.\d+)?)", text)
    if found:
        return None if interval_min is None else round(float(found[1]) * interval_min * UNIT_MS["min"])
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h|d)", text)
    if not found:
        raise ValueError(f"{text!r} is no span: expected 3h, 90min, 0 or interval*3")
    return round(float(found[1]) * UNIT_MS[found[2]])


def choose(pack: SourcePack, place: str, available: Mapping[tuple[str, str], int]) -> tuple[int, SourceMetric] | None:
    """The one stored series that is the truth for the pack's metric at a place."""
    for source in pack.sources:
        number = available.get((place, source.metric))
        if number is not None:
            return number, source
    return None


@dataclass
class _Work:
    """What `build` goes by."""

    plan: Plan
    packs: Mapping[str, SourcePack]
    places: Sequence[PlaceFacts]
    by_code: Mapping[str, PlaceFacts]
    available: Mapping[tuple[str, str], int]
    year: int
    positions: dict[tuple[str, str], int] = field(default_factory=dict)


def build(
    rules: Iterable[RulePack],
    sources: Iterable[SourcePack],
    places: Sequence[PlaceFacts],
    stored: Iterable[Source],
    year: int | None = None,
) -> Plan:
    """Everything that is to be judged at these places. A rule that is on trial is planned like any other. year: the
    present one (default), which limits by date are laid out around."""
    work = _Work(
        Plan(),
        {pack.metric: pack for pack in sources},
        places,
        {place.code: place for place in places},
        {(source.place, source.metric): source.series for source in stored},
        year or datetime.now(UTC).year,
    )
    ordered = sorted(rules, key=lambda rule: rule.urn)
    for rule in ordered:
        if not rule.combines:
            _judge_readings(work, rule)
    for rule in ordered:
        if rule.combines:
            _combine(work, rule)
    return work.plan


def _judge_readings(work: _Work, rule: RulePack) -> None:
    plan = work.plan
    packs = list(work.packs.values()) if rule.metric == ANY else [work.packs[rule.metric]]
    for place in work.places:
        if place.kind != rule.applies_to:
            continue
        case, before = len(plan.cases), len(plan.slots)
        for gauge in _gauges(rule, place):
            for pack in packs:
                position = _position(work, pack, gauge)
                if position is not None:
                    _slots(work, rule, pack, place, position, case, gauge)
        if len(plan.slots) > before:
            plan.cases.append(Case(rule.urn, place.key))
        else:
            plan.gaps.append(f"{rule.urn}: {place.code}")


def _combine(work: _Work, rule: RulePack) -> None:
    """A combination at every place where each of its groups can be met at all."""
    plan = work.plan
    known = {(case.rule, case.place): number for number, case in enumerate(plan.cases)}
    level = min(LEVEL_BY_NAME[rule.levels[0].level], LEVEL_BY_NAME[rule.max_level])
    for place in work.places:
        if place.kind != rule.applies_to:
            continue
        groups = []
        for members in rule.groups:
            least = LEVEL_BY_NAME[members.least]
            others = related(place, members.of, work.places)
            numbers = [known.get((one, other.key)) for one in members.rules for other in others]
            groups.append(Group(members.need, tuple((number, least) for number in numbers if number is not None)))
        possible = [len(group.members) >= group.need for group in groups]
        if all(possible) if rule.operator == "all" else any(possible):
            plan.combinations.append(Combination(len(plan.cases), level, tuple(groups), rule.operator == "all"))
            plan.cases.append(Case(rule.urn, place.key))
        else:
            plan.gaps.append(f"{rule.urn}: {place.code}")


def _gauges(rule: RulePack, place: PlaceFacts) -> list[str]:
    if rule.series == "own":
        return [place.code]
    codes = place.attributes.get(rule.series)
    return [str(code) for code in codes] if isinstance(codes, list) else []


def _position(work: _Work, pack: SourcePack, gauge: str) -> int | None:
    key = (gauge, pack.metric)
    if key not in work.positions:
        chosen = choose(pack, gauge, work.available)
        if chosen is None:
            return None
        number, source = chosen
        work.positions[key] = len(work.plan.series)
        work.plan.feeds[number] = (work.positions[key], pack.scale)
        work.plan.place_of.append(gauge)
        work.plan.metric_of.append(pack.metric)
        work.plan.series.append(_series(number, source, pack.scale, _interval_min(work, gauge)))
    return work.positions[key]


def _series(number: int, source: SourceMetric, scale: int, interval: float | None) -> SeriesSpec:
    """The spike limit grows with the gauge's interval: what is much for five minutes is not for an hour."""
    spike = max(source.spike_step, source.spike_rate * (interval or 60.0) / 60.0) if source.spike_step else 0.0
    every = 0 if interval is None else round(interval * UNIT_MS["min"])
    return SeriesSpec(
        number, source.counter, round(source.modulus * scale), round(source.most * scale), round(spike * scale), every
    )


def _interval_min(work: _Work, gauge: str) -> float | None:
    place = work.by_code.get(gauge)
    interval = place.attributes.get("interval_min") if place else None
    return float(interval) if isinstance(interval, int | float) else None


def _slots(
    work: _Work, rule: RulePack, pack: SourcePack, place: PlaceFacts, position: int, case: int, gauge: str
) -> None:
    interval = _interval_min(work, gauge)
    extra, hold = span_ms(rule.extra, interval), span_ms(rule.hold, interval)
    weight = _weight(rule, place, gauge)
    for level, name, span, limit in _limits(work, rule, place, interval):
        if extra is None or hold is None or weight is None:
            continue
        # The greatest weighted number reaches a limit where any number reaches the limit over its weight.
        rounded = math.ceil(round(limit.value * pack.scale / weight, 6))
        number = min(LEVEL_BY_NAME[level.level], LEVEL_BY_NAME[rule.max_level])
        clear = _clear(rule, rounded, pack.scale)
        if rule.operator == "spike":  # what the source lets pass is none
            rounded = max(rounded, work.plan.series[position].spike)
            clear = min(clear, rounded) if rule.clear_step or rule.clear_ratio else rounded
        if rule.operator == "unchanged":  # its number is a time: the limit is the span
            rounded = clear = span
        work.plan.slots.append(
            SlotSpec(
                position,
                rule.operator,
                rounded,
                clear,
                span,
                case,
                number,
                rule.below,
                extra,
                hold,
                limit.from_ms,
                limit.to_ms,
            )
        )
        work.plan.slot_facts.append(SlotFacts(gauge, pack.metric, pack.unit, name, limit.value, pack.scale))


def _limits(
    work: _Work, rule: RulePack, place: PlaceFacts, interval: float | None
) -> Iterator[tuple[RuleLevel, str, int, Limit]]:
    """Level, name and length of the span, and the limit; only what the place and the gauge have numbers for."""
    for level in rule.levels:
        for name, text in rule.spans.items():
            span = span_ms(text, interval)
            if span is not None:
                for limit in limits_of(level, place.attributes, name, work.year):
                    yield level, name, span, limit


def _weight(rule: RulePack, place: PlaceFacts, gauge: str) -> float | None:
    """The weight of a gauge, 1 where the rule or the place has none; None where the place gives it none."""
    if not rule.weights:
        return 1.0
    weights = place.attributes.get(rule.weights)
    if weights is None:
        return 1.0
    weight = weights.get(gauge) if isinstance(weights, Mapping) else None
    return float(weight) if isinstance(weight, int | float) and weight > 0 else None


def limit_of(level: RuleLevel, place: PlaceFacts, span: str, at: datetime | None = None) -> float | None:
    """The limit of a level in a span at a place and a moment (default: now), in the metric's unit; None = it has no
    such number."""
    moment = at or datetime.now(UTC)
    found = limits_of(level, place.attributes, span, moment.year)
    at_ms = round(moment.timestamp() * 1000)
    return next((limit.value for limit in found if limit.holds(at_ms)), None)


def _clear(rule: RulePack, limit: int, scale: int) -> int:
    step = round((rule.clear_step or 0) * scale)
    if rule.below:
        return limit + step
    return min(round(limit * (rule.clear_ratio or 1)), limit - step)
