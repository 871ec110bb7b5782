"""A rule pack's own examples, played through the real kernel. Pure; used by the check of packs and by tests.

Never: an example that passes because something was left out of it; what the pack says is what is judged.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.packs import ANY, Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build
from anlan.kernel.modes import LEVEL_BY_NAME

START = 1_780_000_000_000  # minute 0 of an example, Unix ms: 2026-05-29 04:26:40 of Beijing
MINUTE = 60_000


def play(
    rule: RulePack, example: Example, sources: Iterable[SourcePack], rules: Iterable[RulePack] = ()
) -> list[tuple[float, int]]:
    """What the example does: (minute, level reached) in event order. Empty where the place has no limits to be judged
    by. rules: those that a combination is made of. Raises StopIteration where no source pack tells a metric."""
    known = {pack.metric: pack for pack in sources}
    parts = [other for other in rules if other.urn in rule.members]
    metric = next(iter(known)) if rule.metric == ANY else rule.metric
    streams = example.streams or {f"G1/{metric}": example.readings}
    places = _places(rule, example)
    stored, values = [], {}
    for number, (name, readings) in enumerate(sorted(streams.items())):
        code, _slash, metric = name.partition("/")
        pack = next(pack for pack in known.values() if pack.metric == metric)
        stored.append(Source(code, pack.sources[0].metric, number))
        values[number] = readings
    plan = build([rule, *parts], known.values(), places, stored, datetime.fromtimestamp(START / 1000, UTC).year)
    cases = {number for number, case in enumerate(plan.cases) if case.rule == rule.urn}
    kernel = Kernel(plan.series, plan.slots, combinations=plan.combinations)
    rows = sorted(
        (START + round(minute * MINUTE), *plan.feeds[number], value)
        for number, readings in values.items()
        if number in plan.feeds
        for minute, value in readings
    )
    steps = []
    for at in sorted({row[0] for row in rows}):
        now = [row for row in rows if row[0] == at]
        found = kernel.ingest([row[1] for row in now], [at] * len(now), [round(row[3] * row[2]) for row in now])
        steps += kernel.judge_cases(found).added()
    if example.until is not None:
        steps += kernel.judge_cases(kernel.tick(START + round(example.until * MINUTE))).added()
    return [((step.true_at - START) / MINUTE, step.level_to) for step in steps if step.case in cases]


def _places(rule: RulePack, example: Example) -> list[PlaceFacts]:
    """The place under trial, P1 (G1 where it is its own gauge), and those that the example tells of."""
    own = rule.series == "own" and not rule.combines
    attributes = {**({} if own or rule.combines else {rule.series: ["G1"]}), **example.attributes}
    others: Mapping[str, dict[str, Any]] = example.places
    here = others.get("P1", {})
    first = PlaceFacts("P", "G1" if own else "P1", rule.applies_to, attributes, here.get("lon"), here.get("lat"))
    found = [first]
    for code, facts in others.items():
        if code != "P1":
            kind, its = str(facts.get("kind", "rain_gauge")), dict(facts.get("attributes", {}))
            found.append(PlaceFacts(code, code, kind, its, facts.get("lon"), facts.get("lat")))
    return found


def failures(rule: RulePack, sources: Iterable[SourcePack], rules: Iterable[RulePack] = ()) -> list[str]:
    """Examples that do not do what they say, one line each; empty = the pack keeps its word."""
    known, family = list(sources), list(rules)
    metrics = {pack.metric for pack in known}
    if not rule.combines and rule.metric not in (*metrics, ANY):
        return [f"metric {rule.metric!r}: no source pack tells it"]
    missing = rule.members - {other.urn for other in family}
    if missing:
        return [f"combines rules that are not there: {', '.join(sorted(missing))}"]
    found = []
    for example in rule.examples:
        wanted = [(minute, LEVEL_BY_NAME[level]) for minute, level in example.expect]
        got = play(rule, example, known, family)
        if got != wanted:
            found.append(f"example {example.name!r}: expected {_words(wanted)}, got {_words(got)}")
        ends = {"silent": not wanted, "fires": bool(wanted) and wanted[-1][1] > 0}
        if not ends.get(example.shows, bool(wanted) and wanted[-1][1] == 0):
            found.append(f"example {example.name!r}: does not show what `shows: {example.shows}` says")
    return found


def _words(steps: list[tuple[float, int]]) -> str:
    names = {number: name for name, number in LEVEL_BY_NAME.items()}
    return "[" + ", ".join(f"[{minute:g}, {names[level]}]" for minute, level in steps) + "]"
