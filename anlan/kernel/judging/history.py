"""A file of readings played through the live kernel: every alarm that rules would have raised. Pure.

Each device of the file is a place of kind `device`, each place one of kind `place` with its `devices`; places that the
caller knows more of have their own kind and attributes, and their devices' series are theirs. Never: another judge.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.kernel.judging.cases import Episode, Told
from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.layout import Ints
from anlan.kernel.judging.packs import RulePack, SourceMetric, SourcePack
from anlan.kernel.judging.plan import Feed, PlaceFacts, Plan, Source, build

DEVICE, PLACE = "device", "place"


@dataclass(frozen=True)
class Columns:
    """Readings in order of arrival. series: position in `names`, (place, device, metric); times: Unix ms; values: in
    the metric's unit."""

    names: Sequence[tuple[str, str, str]]
    series: Ints
    times: Ints
    values: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm. level: the highest it reached (1 blue … 4 red); device: None where it is the place's. raised_at, Unix
    ms: when it was true, of a silence when it could be known; cleared_at: None while it is open at the end."""

    rule: str
    place: str
    device: str | None
    level: int
    raised_at: int
    cleared_at: int | None


def replay(
    rules: Sequence[RulePack],
    sources: Sequence[SourcePack],
    readings: Columns,
    places: Iterable[PlaceFacts] = (),
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[list[Raised], Plan]:
    """Every alarm, by when it was raised, and the plan with its gaps. The clock stands at each time of the file in
    turn, up to the last. progress: called with how many readings are done."""
    known = {place.code: place for place in places}
    plan, where = _plan(rules, sources, readings, known)
    kernel = Kernel(plan.series, plan.slots, combinations=plan.combinations)
    told, done = Told(), 0
    for now, positions, values in _moments(plan, readings):
        told.take(kernel.judge_cases(kernel.ingest(positions, np.full(len(positions), now), values, now)))
        told.take(kernel.judge_cases(kernel.tick(now)))
        if done // 1_000_000 != (done + len(positions)) // 1_000_000:
            progress(done + len(positions))
        done += len(positions)
    known_late = {rule.urn for rule in rules if rule.operator == "silence"}
    alarms = [_raised(plan, where, known_late, episode) for episode in told.episodes()]
    return sorted(alarms, key=lambda a: (a.raised_at, a.rule, a.place, a.device or "")), plan


def _plan(
    rules: Sequence[RulePack], sources: Sequence[SourcePack], readings: Columns, known: Mapping[str, PlaceFacts]
) -> tuple[Plan, dict[str, tuple[str, str | None]]]:
    """The plan, and (place, device) by key of a place of the plan."""
    told = {metric for _place, _device, metric in readings.names}
    packs = list(sources)
    # A metric that the file tells by its own name needs no choosing between elements.
    for number, pack in enumerate(packs):
        if pack.metric in told:
            packs[number] = pack.model_copy(update={"sources": [SourceMetric(metric=pack.metric), *pack.sources]})
    places, stored = list(known.values()), []
    where: dict[str, tuple[str, str | None]] = {place.key: (code, None) for code, place in known.items()}
    devices: dict[str, dict[str, None]] = {}
    for number, (place, device, metric) in enumerate(readings.names):
        code = f"{place}/{device}"
        stored.append(Source(code, metric, number))
        if place in known:
            stored.append(Source(place, metric, number))
        devices.setdefault(place, {})[code] = None
    for place, codes in devices.items():
        if place not in known:
            places.append(PlaceFacts(place, place, PLACE, {"devices": list(codes)}))
            where[place] = (place, None)
        for code in codes:
            places.append(PlaceFacts(code, code, DEVICE, {}))
            where[code] = (place, code[len(place) + 1 :])
    year = int(np.datetime64(int(readings.times.max(initial=0)), "ms").astype("datetime64[Y]").astype(int)) + 1970
    return build(rules, packs, places, stored, year), where


def _moments(plan: Plan, readings: Columns) -> Iterator[tuple[int, Ints, Ints]]:
    """(time, positions, fixed-point values) for each time of the file, in order; readings of no rule only move the
    clock."""
    feed = Feed(plan)
    order = np.argsort(readings.times, kind="stable")
    times, positions = readings.times[order], feed.positions(readings.series[order])
    fixed = feed.fixed(positions, readings.values[order])
    ends: list[int] = (np.flatnonzero(np.diff(times)) + 1).tolist() + [len(times)] * bool(len(times))
    start = 0
    for end in ends:
        judged = start + np.flatnonzero(positions[start:end] >= 0)
        yield int(times[start]), positions[judged], fixed[judged]
        start = end


def _raised(plan: Plan, where: Mapping[str, tuple[str, str | None]], known_late: set[str], episode: Episode) -> Raised:
    case, begun = plan.cases[episode.case], episode.begun
    place, device = where[case.place]
    at = begun.known_at if case.rule in known_late else begun.true_at
    ended = None if episode.ended is None else episode.ended.true_at
    return Raised(case.rule.rpartition(":")[2], place, device, episode.peak, at, ended)
