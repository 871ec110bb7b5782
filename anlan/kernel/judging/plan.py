"""Packs × places → series, slots and cases for the kernel. Pure: the caller says which series exist.

Never: a database, a default limit; a place without the numbers of a rule is not judged by it and is named in `gaps`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from anlan.kernel.judging.kernel import SeriesSpec, SlotSpec
from anlan.kernel.judging.packs import RuleLevel, RulePack, SourceMetric, SourcePack
from anlan.kernel.modes import LEVEL_BY_NAME

UNIT_MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True)
class PlaceFacts:
    """What a plan needs of a place. key: anything hashable that the caller knows it by."""

    key: str
    code: str
    kind: str
    attributes: Mapping[str, object]


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
    """Ready for `Kernel`. feeds: stored series → (position in `series`, scale). gaps: what could not be judged."""

    series: list[SeriesSpec] = field(default_factory=list)
    slots: list[SlotSpec] = field(default_factory=list)
    slot_facts: list[SlotFacts] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    feeds: dict[int, tuple[int, int]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


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


def build(
    rules: Iterable[RulePack], sources: Iterable[SourcePack], places: Sequence[PlaceFacts], stored: Iterable[Source]
) -> Plan:
    """Everything that is to be judged at these places. A rule that is on trial is planned like any other."""
    plan = Plan()
    by_metric = {pack.metric: pack for pack in sources}
    available = {(source.place, source.metric): source.series for source in stored}
    by_code = {place.code: place for place in places}
    positions: dict[tuple[str, str], int] = {}
    for rule in sorted(rules, key=lambda rule: rule.urn):
        pack = by_metric[rule.metric]
        for place in places:
            if place.kind != rule.applies_to:
                continue
            case = len(plan.cases)
            before = len(plan.slots)
            for gauge in _gauges(rule, place):
                position = _position(plan, pack, gauge, available, positions)
                if position is not None:
                    _slots(plan, rule, pack, place, by_code.get(gauge), position, case, gauge)
            if len(plan.slots) > before:
                plan.cases.append(Case(rule.urn, place.key))
            else:
                plan.gaps.append(f"{rule.urn}: {place.code}")
    return plan


def _gauges(rule: RulePack, place: PlaceFacts) -> list[str]:
    if rule.series == "own":
        return [place.code]
    codes = place.attributes.get(rule.series)
    return [str(code) for code in codes] if isinstance(codes, list) else []


def _position(
    plan: Plan,
    pack: SourcePack,
    gauge: str,
    available: Mapping[tuple[str, str], int],
    positions: dict[tuple[str, str], int],
) -> int | None:
    key = (gauge, pack.metric)
    if key not in positions:
        chosen = choose(pack, gauge, available)
        if chosen is None:
            return None
        number, source = chosen
        positions[key] = len(plan.series)
        plan.feeds[number] = (positions[key], pack.scale)
        modulus, most = round(source.modulus * pack.scale), round(source.most * pack.scale)
        plan.series.append(SeriesSpec(number, source.counter, modulus, most))
    return positions[key]


def _slots(
    plan: Plan,
    rule: RulePack,
    pack: SourcePack,
    place: PlaceFacts,
    gauge_place: PlaceFacts | None,
    position: int,
    case: int,
    gauge: str,
) -> None:
    interval = gauge_place.attributes.get("interval_min") if gauge_place else None
    for level in rule.levels:
        for name, text in rule.spans.items():
            span = span_ms(text, float(interval) if isinstance(interval, int | float) else None)
            limit = limit_of(level, place, name)
            if span is None or limit is None:
                continue
            rounded = round(limit * pack.scale)
            number = min(LEVEL_BY_NAME[level.level], LEVEL_BY_NAME[rule.max_level])
            clear = _clear(rule, rounded, pack.scale)
            plan.slots.append(SlotSpec(position, rule.operator, rounded, clear, span, case, number, rule.below))
            plan.slot_facts.append(SlotFacts(gauge, rule.metric, pack.unit, name, limit, pack.scale))


def limit_of(level: RuleLevel, place: PlaceFacts, span: str) -> float | None:
    """The limit of a level in a span at a place, in the metric's unit; None = the place has no such number."""
    own = level.from_place
    if own is None:
        return level.limits.get(span)
    value = place.attributes.get(own.attribute)
    if own.column:
        row = value.get(span) if isinstance(value, Mapping) else None
        value = row.get(own.column) if isinstance(row, Mapping) else None
    return float(value) * own.times if isinstance(value, int | float) else None


def _clear(rule: RulePack, limit: int, scale: int) -> int:
    step = round((rule.clear_step or 0) * scale)
    if rule.below:
        return limit + step
    return min(round(limit * (rule.clear_ratio or 1)), limit - step)
