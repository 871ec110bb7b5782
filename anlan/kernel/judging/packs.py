"""Rule packs (when readings make an alarm) and source packs (which of several elements of a station is the truth).

Numbers stand in packs alone. Never: evaluating a reading; `plan.py` turns packs and places into series and slots.
"""

from typing import Literal

from pydantic import Field, model_validator

from anlan.kernel.judging.operators import OPERATORS
from anlan.kernel.packs import Pack, PackModel

LevelName = Literal["blue", "yellow", "orange", "red"]


class FromPlace(PackModel):
    """A limit that each place has of its own. A flat attribute is the limit; one by window and column is looked up."""

    attribute: str
    column: str = ""
    times: float = Field(1.0, gt=0)


class RuleLevel(PackModel):
    """What reaches a level: fixed limits by span ("3h", "0" where the operator has none), or limits of the place."""

    level: LevelName
    limits: dict[str, float] = {}
    from_place: FromPlace | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "RuleLevel":
        if bool(self.limits) == (self.from_place is not None):
            raise ValueError("a level has either limits or from_place")
        return self


class Lowering(PackModel):
    """How an alarm ends: by the readings alone, or from a level upwards by a signature."""

    how: Literal["automatic", "signed"]
    signed_from: LevelName = "orange"


class Example(PackModel):
    """A tiny series and what it must do. readings: [minute, value] by series; expect: [minute, level] steps."""

    name: str
    shows: Literal["fires", "silent", "clears"]
    attributes: dict[str, object] = {}
    readings: list[tuple[float, float]]
    until: float | None = Field(None, description="minute at which the clock stands; default: the last reading")
    expect: list[tuple[float, LevelName | Literal["none"]]]


class RulePack(Pack):
    """One rule. series: "own" = readings of the place itself, else the attribute that lists codes of its gauges.

    spans: windows, holds or the limit of silence by name; "interval*3" = three reporting intervals of the gauge.
    """

    hazard: str
    applies_to: str
    series: str = "own"
    metric: str
    operator: str
    spans: dict[str, str] = Field(min_length=1)
    below: bool = False
    clear_ratio: float | None = Field(None, gt=0, le=1, description="clears under limit × ratio")
    clear_step: float | None = Field(None, ge=0, description="clears under limit − step, in the metric's unit")
    levels: list[RuleLevel] = Field(min_length=1)
    lowering: Lowering
    max_level: LevelName = "red"
    examples: list[Example]

    @model_validator(mode="after")
    def _sound(self) -> "RulePack":
        if self.operator not in OPERATORS:
            raise ValueError(f"no operator {self.operator!r}; known: {', '.join(OPERATORS)}")
        missing = {"fires", "silent", "clears"} - {example.shows for example in self.examples}
        if missing:
            raise ValueError(f"examples that are missing: {', '.join(sorted(missing))}")
        names = set(self.spans)
        for level in self.levels:
            if not set(level.limits) <= names:
                raise ValueError(f"level {level.level} names spans that are not declared")
        return self


class SourceMetric(PackModel):
    """One element that can tell the metric. counter: it accumulates; modulus: where it rolls over (0 = it does not);
    most: largest believable step."""

    metric: str
    counter: bool = False
    modulus: float = 0
    most: float = Field(1e9, gt=0)


class SourcePack(Pack):
    """Which element of a station is the truth for a metric: the first of the list that the station sends.

    They are never added together. scale: fixed point, integer = value × scale.
    """

    metric: str
    unit: str
    scale: int = Field(gt=0)
    sources: list[SourceMetric] = Field(min_length=1)
