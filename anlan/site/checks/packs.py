"""Every shipped pack can be read by the slice that owns its family, and no family is without an owner."""

import sys

from anlan.base.people.roles import RolePack
from anlan.base.places.kinds import KindPack
from anlan.kernel.judging.packs import RulePack, SourcePack
from anlan.kernel.ladders import CallLadder, TaskLadder
from anlan.kernel.packs import SHIPPED, Pack, PackError, load_family
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


def main() -> int:
    problems = []
    for folder in sorted(path.name for path in SHIPPED.iterdir() if path.is_dir() and any(path.glob("*.yaml"))):
        if folder not in FAMILIES:
            problems.append(f"{folder}/: no slice reads this family")
            continue
        try:
            count = len(load_family(folder, FAMILIES[folder]))
            sys.stdout.write(f"{folder}: {count} packs\n")
        except PackError as error:
            problems.append(f"{folder}/{error}")
    for problem in problems:
        sys.stdout.write(f"✗ {problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
