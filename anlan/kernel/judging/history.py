"""A file of readings played through the live kernel: every alarm that rules would have raised. Pure.

Each device of the file is a place of kind `device`, each place one of kind `place` with its `devices`; places that the
caller knows more of have their own kind and attributes, and their devices' series are theirs. Never: another judge.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.layout import Ints
from anlan.kernel.judging.packs import RulePack, SourceMetric, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Plan, Source, build

DEVICE, PLACE = "device", "place"


@dataclass(frozen=True)
class Columns:
    """Readings in order of arrival. series: position in `names`, (place, device, metric); times: Unix ms; values: in
    the metric's unit."""

    names: Sequence[tuple[str, str, str]]
    series: Ints
    times: Ints
    values: Any


@dataclass(slots=True)
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
    found = _Book(plan, where, {rule.urn for rule in rules if rule.operator == "silence"})
    done = 0
    for now, positions, values in _moments(plan, readings):
        found.take(kernel.judge_cases(kernel.ingest(positions, np.full(len(positions), now), values, now)))
        found.take(kernel.judge_cases(kernel.tick(now)))
        if done // 1_000_000 != (done + len(positions)) // 1_000_000:
            progress(done + len(positions))
        done += len(positions)
    return found.alarms(), plan


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
    position = np.full(len(readings.names), -1, np.int64)
    scale = np.ones(len(readings.names))
    for number, (at, factor) in plan.feeds.items():
        position[number], scale[number] = at, factor
    order = np.argsort(readings.times, kind="stable")
    times, series = readings.times[order], readings.series[order]
    fixed = np.rint(readings.values[order] * scale[series]).astype(np.int64)
    ends: list[int] = (np.flatnonzero(np.diff(times)) + 1).tolist() + [len(times)] * bool(len(times))
    start = 0
    for end in ends:
        wanted = position[series[start:end]]
        judged = wanted >= 0
        yield int(times[start]), wanted[judged], fixed[start:end][judged]
        start = end


class _Book:
    """Steps of cases as alarms."""

    def __init__(self, plan: Plan, where: Mapping[str, tuple[str, str | None]], known_late: set[str]) -> None:
        self.plan, self.where, self.known_late = plan, where, known_late
        self.open: dict[int, Raised] = {}
        self.closed: list[Raised] = []

    def take(self, steps: Any) -> None:
        """Steps in event order. A file in order of time takes nothing back but what a repeat of one time changes."""
        if not len(steps):
            return
        for step in steps.vanished():
            self._undo(step)
        for step in steps.added():
            case = self.plan.cases[step.case]
            standing = self.open.get(step.case)
            at = step.known_at if case.rule in self.known_late and step.level_to else step.true_at
            if standing is None:
                place, device = self.where[case.place]
                name = case.rule.rpartition(":")[2]
                self.open[step.case] = Raised(name, place, device, step.level_to, at, None)
            elif step.level_to == 0:
                standing.cleared_at = at
                self.closed.append(self.open.pop(step.case))
            else:
                standing.level = max(standing.level, step.level_to)

    def _undo(self, step: Any) -> None:
        if step.level_from == 0:
            self.open.pop(step.case, None)
        elif step.level_to == 0:
            case = self.plan.cases[step.case]
            name, (place, device) = case.rule.rpartition(":")[2], self.where[case.place]
            for number, alarm in enumerate(reversed(self.closed)):
                if (alarm.rule, alarm.place, alarm.device) == (name, place, device):
                    alarm.cleared_at = None
                    self.open[step.case] = self.closed.pop(len(self.closed) - 1 - number)
                    return

    def alarms(self) -> list[Raised]:
        every = [*self.closed, *self.open.values()]
        return sorted(every, key=lambda a: (a.raised_at, a.rule, a.place, a.device or ""))
