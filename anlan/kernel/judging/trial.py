"""A rule pack's own examples, played through the real kernel. Pure; used by the check of packs and by tests.

Never: an example that passes because something was left out of it; what the pack says is what is judged.
"""

from collections.abc import Iterable

from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.packs import Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build
from anlan.kernel.modes import LEVEL_BY_NAME

START = 1_780_000_000_000  # minute 0 of an example, Unix ms
MINUTE = 60_000
SERIES = 7


def play(rule: RulePack, example: Example, sources: Iterable[SourcePack]) -> list[tuple[float, int]]:
    """What the example does: (minute, level reached) in event order. Empty where the place has no limits to be judged
    by. Raises StopIteration where no source pack tells the rule's metric."""
    known = list(sources)
    attributes = {**example.attributes, **({rule.series: ["G1"]} if rule.series != "own" else {})}
    places = [PlaceFacts("P", "G1" if rule.series == "own" else "P1", rule.applies_to, attributes)]
    source = next(pack for pack in known if pack.metric == rule.metric)
    plan = build([rule], known, places, [Source("G1", source.sources[0].metric, SERIES)])
    kernel = Kernel(plan.series, plan.slots)
    position, scale = plan.feeds[SERIES]
    times = [START + round(minute * MINUTE) for minute, _value in example.readings]
    values = [round(value * scale) for _minute, value in example.readings]
    steps = kernel.judge_cases(kernel.ingest([position] * len(times), times, values)).added()
    if example.until is not None:
        steps += kernel.judge_cases(kernel.tick(START + round(example.until * MINUTE))).added()
    return [((step.true_at - START) / MINUTE, step.level_to) for step in steps]


def failures(rule: RulePack, sources: Iterable[SourcePack]) -> list[str]:
    """Examples that do not do what they say, one line each; empty = the pack keeps its word."""
    known = list(sources)
    if rule.metric not in {pack.metric for pack in known}:
        return [f"metric {rule.metric!r}: no source pack tells it"]
    found = []
    for example in rule.examples:
        wanted = [(minute, LEVEL_BY_NAME[level]) for minute, level in example.expect]
        got = play(rule, example, known)
        if got != wanted:
            found.append(f"example {example.name!r}: expected {_words(wanted)}, got {_words(got)}")
        ends = {"silent": not wanted, "fires": bool(wanted) and wanted[-1][1] > 0}
        if not ends.get(example.shows, bool(wanted) and wanted[-1][1] == 0):
            found.append(f"example {example.name!r}: does not show what `shows: {example.shows}` says")
    return found


def _words(steps: list[tuple[float, int]]) -> str:
    names = {number: name for name, number in LEVEL_BY_NAME.items()}
    return "[" + ", ".join(f"[{minute:g}, {names[level]}]" for minute, level in steps) + "]"
