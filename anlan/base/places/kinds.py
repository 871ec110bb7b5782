"""Place kinds: packs that say which attributes a kind has and what type each is."""

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from anlan.kernel.errors import Invalid
from anlan.kernel.packs import Pack, PackModel, load_family


class Attribute(PackModel):
    """One typed attribute. unit: as shown behind the value."""

    title: str
    type: Literal["text", "number", "integer", "codes", "limits", "soil_limits", "seasons", "states", "weights", "flag"]
    unit: str = ""
    required: bool = False
    hint: str = ""


class Season(BaseModel):
    """A number that holds from one day of the year to another, both inside."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: str = Field(alias="from", pattern=r"^\d\d-\d\d$")
    end: str = Field(alias="to", pattern=r"^\d\d-\d\d$")
    value: float


class KindPack(Pack):
    """A kind of place."""

    key: str = Field(pattern=r"^[a-z_]+$")
    glyph: str = Field(description="symbol on the map (DESIGN.md, Map)")
    group: str = Field(description="layer group on the map")
    attributes: dict[str, Attribute] = {}
    metrics: tuple[str, ...] = ()


_TYPES: dict[str, Any] = {
    "text": str,
    "number": float,
    "integer": int,
    "codes": list[str],
    "limits": dict[str, dict[str, float]],
    "soil_limits": dict[str, dict[str, dict[str, float]]],
    "seasons": list[Season],
    "states": list[tuple[str, str]],
    "weights": dict[str, float],
    "flag": bool,
}


@cache
def kinds() -> dict[str, KindPack]:
    """All kinds by key."""
    return {pack.key: pack for pack in load_family("kinds", KindPack).values()}


@cache
def _model(kind: str) -> type[PackModel]:
    fields: dict[str, Any] = {
        name: (_TYPES[a.type], ...) if a.required else (_TYPES[a.type] | None, None)
        for name, a in kinds()[kind].attributes.items()
    }
    return create_model(f"Attributes_{kind}", __base__=PackModel, **fields)


def check_attributes(kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes as the kind's pack types them. Raises Invalid naming the attribute."""
    if kind not in kinds():
        raise Invalid("kind", f"没有这种对象：{kind}", f"可用：{'、'.join(sorted(kinds()))}")
    try:
        return _model(kind).model_validate(attributes).model_dump(exclude_none=True, by_alias=True)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise Invalid(f"attributes.{name}", f"{name}：{first['msg']}") from error
