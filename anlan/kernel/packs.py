"""Packs: knowledge as versioned data. A pack is one YAML file with a URN, a version, a norm and an effective date.

The program ships packs in `anlan/packs/<family>/`; a county overrides one by a file of the same URN in its own folder.
Unknown keys are errors. Never: code in a pack, or a pack's number copied into code.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SHIPPED = Path(__file__).resolve().parent.parent / "packs"


class PackModel(BaseModel):
    """Base of everything inside a pack: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Norm(PackModel):
    """Where a number comes from. mark: [L] law, [S] seen source, [K] own knowledge, [D] proposal of this program."""

    title: str
    clause: str = ""
    mark: Literal["L", "S", "K", "D"]


class Pack(PackModel):
    """The head that every pack carries."""

    urn: str = Field(
        pattern=r"^urn:anlan:[a-z]+:[A-Za-z0-9_-]+$", description="stable name; an override carries the same"
    )
    version: str
    title: str = Field(description="Chinese, shown on screen")
    norm: Norm
    effective: date
    status: Literal["stable", "trial"] = "stable"
    digest: str = Field(default="", description="sha256 of the file, filled when it is read")

    @property
    def ref(self) -> str:
        """What a case freezes: which pack, which version, which bytes."""
        return f"{self.urn}@{self.version}#{self.digest[:12]}"


P = TypeVar("P", bound=Pack)


class PackError(Exception):
    """A pack file that cannot be used; names the file and the field."""


def load_pack(path: Path, model: type[P]) -> P:
    """Read one file. Raises PackError naming file and field."""
    raw = path.read_bytes()
    try:
        data = yaml.safe_load(raw)
        if not isinstance(data, dict):
            raise PackError(f"{path.name}: expected a mapping at the top")
        return model.model_validate({**data, "digest": hashlib.sha256(raw).hexdigest()})
    except yaml.YAMLError as error:
        raise PackError(f"{path.name}: not YAML: {error}") from error
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PackError(f"{path.name}: {lines}") from error


_overrides: list[Path] = []


def override_with(folders: Iterable[Path]) -> None:
    """The county's own packs, laid over the shipped ones. Said once, while the program starts."""
    _overrides[:] = folders


def folders() -> tuple[Path, ...]:
    """Where packs are read from, the shipped ones first; the last one is where pages write (it need not exist)."""
    return (SHIPPED, *_overrides)


def stamp(family: str) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of each override of a family: another answer = it is to be read again."""
    files = sorted(path for root in _overrides for path in (root / family).glob("*.yaml"))
    found = ((str(path), path.stat()) for path in files)
    return tuple((name, about.st_mtime_ns, about.st_size) for name, about in found)


def load_family(family: str, model: type[P], roots: Iterable[Path] | None = None) -> dict[str, P]:
    """All packs of a family by URN: shipped ones first, then each override folder's `<family>/` on top.

    roots: read these folders alone. Two files of one folder with the same URN are refused.
    """
    packs: dict[str, P] = {}
    for root in folders() if roots is None else roots:
        seen: set[str] = set()
        for path in sorted((root / family).glob("*.yaml")):
            pack = load_pack(path, model)
            if pack.urn in seen:
                raise PackError(f"{path.name}: {pack.urn} stands twice in {family}/")
            seen.add(pack.urn)
            packs[pack.urn] = pack
    return packs
