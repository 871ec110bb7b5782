"""Task ladders by kind of task."""

from functools import cache

from anlan.kernel.ladders import TaskLadder
from anlan.kernel.packs import load_family


@cache
def task_ladders() -> dict[str, TaskLadder]:
    """Ladders whose URN begins with `urn:anlan:taskladders:`, by the part behind it."""
    found = load_family("taskladders", TaskLadder)
    return {urn.rsplit(":", 1)[1]: pack for urn, pack in found.items()}


def ladder_for(kind: str) -> TaskLadder:
    """The ladder of a kind of task, else the default one."""
    ladders = task_ladders()
    return ladders.get(kind, ladders["default"])
