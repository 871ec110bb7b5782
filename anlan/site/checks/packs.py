"""Every pack can be read by the slice that owns its family, and every rule does what its own examples say.

    python -m anlan.site.checks.packs [FOLDER]

FOLDER: a county's own packs, laid over the shipped ones as `ANLAN_OVERRIDES` lays them.
"""

import sys
from pathlib import Path

from anlan.base.people.roles import RolePack
from anlan.base.places.kinds import KindPack
from anlan.kernel.judging.packs import RulePack, SourcePack
from anlan.kernel.judging.trial import failures
from anlan.kernel.ladders import CallLadder, TaskLadder
from anlan.kernel.packs import SHIPPED, Pack, PackError, load_family, override_with
from anlan.loop.alarms.packs import GatherPack
from anlan.loop.calls.packs import MessagePack

FAMILIES: dict[str, type[Pack]] = {
    "kinds": KindPack,
    "roles": RolePack,
    "rules": RulePack,
    "sources": SourcePack,
    "ladders": CallLadder,
    "taskladders": TaskLadder,
    "messages": MessagePack,
    "incidents": GatherPack,
}


def main(folders: list[Path]) -> int:
    override_with(folders)
    problems = [f"{folder}: no such folder" for folder in folders if not folder.is_dir()]
    roots = [SHIPPED, *(folder for folder in folders if folder.is_dir())]
    families = {path.name for root in roots for path in root.iterdir() if path.is_dir() and any(path.glob("*.yaml"))}
    for family in sorted(families):
        if family not in FAMILIES:
            problems.append(f"{family}/: no slice reads this family")
            continue
        try:
            packs = load_family(family, FAMILIES[family])
            sys.stdout.write(f"{family}: {len(packs)} packs\n")
        except PackError as error:
            problems.append(f"{family}/{error}")
    if not problems:
        problems = rule_problems()
    for problem in problems:
        sys.stdout.write(f"✗ {problem}\n")
    return 1 if problems else 0


def rule_problems() -> list[str]:
    """Every rule's examples that do not do what they say."""
    sources, rules = load_family("sources", SourcePack).values(), load_family("rules", RulePack).values()
    return [f"{rule.urn} {found}" for rule in rules for found in failures(rule, sources, rules)]


if __name__ == "__main__":
    sys.exit(main([Path(folder) for folder in sys.argv[1:]]))
