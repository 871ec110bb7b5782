"""How incidents are gathered: a pack."""

from functools import cache

from pydantic import Field

from anlan.kernel.packs import Pack, PackModel, load_family

from .rules import Gather


class GatherRow(PackModel):
    """One hazard. digits: length of the area code that counts as "the same area" (9 town, 12 village)."""

    title: str
    digits: int = Field(ge=4, le=12)
    hours: float = Field(gt=0)


class GatherPack(Pack):
    hazards: dict[str, GatherRow]


@cache
def _pack() -> GatherPack:
    return load_family("incidents", GatherPack)["urn:anlan:incidents:gather"]


def gather_of(hazard: str) -> Gather | None:
    """None: alarms of this hazard stand alone and make no incident (a silent gauge, say)."""
    row = _pack().hazards.get(hazard)
    return Gather(row.digits, row.hours) if row else None


def hazard_title(hazard: str) -> str:
    row = _pack().hazards.get(hazard)
    return row.title if row else hazard
