"""Try rule packs: run each example of a file through the real kernel and say what it did.

    python -m anlan.kernel.judging.trial my-rules/rules/*.yaml

Never: a database, a site; the examples bring their own readings and place.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.packs import Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build
from anlan.kernel.modes import LEVEL_BY_NAME
from anlan.kernel.packs import PackError, load_family, load_pack

START_MS = 1_780_000_000_000
MINUTE_MS = 60_000
Steps = list[tuple[float, int]]
"""Minute of the example, level from then on (0 = none)."""


def judged(rule: RulePack, example: Example, sources: Iterable[SourcePack]) -> Steps:
    """What the kernel makes of an example. ValueError when no source pack tells the rule's metric."""
    known = list(sources)
    source = next((pack for pack in known if pack.metric == rule.metric), None)
    if source is None:
        raise ValueError(f"no source pack tells {rule.metric!r}")
    own = rule.series == "own"
    attributes = dict(example.attributes) if own else {**example.attributes, rule.series: ["G1"]}
    places = [PlaceFacts("P", "G1" if own else "P1", rule.applies_to, attributes)]
    plan = build([rule], known, places, [Source("G1", source.sources[0].metric, 7)])
    if not plan.feeds:
        raise ValueError(f"{example.name}: the example's attributes hold no limit, so nothing is judged")
    kernel = Kernel(plan.series, plan.slots)
    position, scale = plan.feeds[7]
    times = [START_MS + round(minute * MINUTE_MS) for minute, _value in example.readings]
    values = [round(value * scale) for _minute, value in example.readings]
    changes = kernel.judge_cases(kernel.ingest([position] * len(times), times, values))
    if example.until is not None:
        changes += kernel.judge_cases(kernel.tick(START_MS + round(example.until * MINUTE_MS)))
    return [((step.true_at - START_MS) / MINUTE_MS, step.level_to) for change in changes for step in change.added]


def wanted(example: Example) -> Steps:
    """What the example says must come."""
    return [(minute, LEVEL_BY_NAME[level]) for minute, level in example.expect]


def keeps_its_word(example: Example) -> bool:
    """An example that "fires" ends raised, one that is "silent" has no step, one that "clears" ends at none."""
    steps = wanted(example)
    if example.shows == "silent":
        return steps == []
    return bool(steps) and (steps[-1][1] > 0) == (example.shows == "fires")


def tell(path: Path, sources: Sequence[SourcePack]) -> tuple[list[str], bool]:
    """Lines about one file, and whether every example came out as it says."""
    try:
        rule = load_pack(path, RulePack)
    except PackError as error:
        return [f"✗ {error}"], False
    lines, good = [f"{rule.ref} {rule.title}"], True
    names = {number: name for name, number in LEVEL_BY_NAME.items()}
    for example in rule.examples:
        try:
            got = judged(rule, example, sources)
        except ValueError as error:
            lines.append(f"  ✗ {error}")
            good = False
            continue
        right = got == wanted(example) and keeps_its_word(example)
        good = good and right
        steps = ", ".join(f"{minute:g} min {names[level]}" for minute, level in got) or "nothing"
        lines.append(f"  {'✓' if right else '✗'} {example.name} ({example.shows}): {steps}")
    return lines, good


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 when all is as it says, 1 when not, 2 without a file."""
    if not arguments:
        sys.stderr.write(f"{__doc__}")
        return 2
    sources = list(load_family("sources", SourcePack).values())
    told = [tell(Path(name), sources) for name in arguments]
    sys.stdout.write("\n".join(line for lines, _good in told for line in lines) + "\n")
    return 0 if all(good for _lines, good in told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
