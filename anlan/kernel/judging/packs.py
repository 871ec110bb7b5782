"""Rule packs (when readings make an alarm) and source packs (which of several elements of a station is the truth).

Numbers stand in packs alone. Never: evaluating a reading; `plan.py` turns packs and places into series and slots.
"""

from typing import Literal

from pydantic import Field, model_validator

from anlan.kernel.judging.operators import OPERATORS
from anlan.kernel.packs import Pack, PackModel

LevelName = Literal["blue", "yellow", "orange", "red"]


COMBINING = ("all", "any")
ANY = "any"
"""As a rule's metric: whatever a place measures, each for itself."""


class FromPlace(PackModel):
    """A limit that each place has of its own. A flat attribute is the limit; one by window and column is looked up."""

    attribute: str
    column: str = ""
    times: float = Field(1.0, gt=0)
    by_date: bool = Field(False, description="the number is a list of {from: MM-DD, to: MM-DD, value}, every year")
    by_soil: str = Field("", description="attribute with [[time, state], …] of the soil; the number is by state")
    soil: str = Field("normal", description="the state where the place tells none")


class RuleLevel(PackModel):
    """What reaches a level: fixed limits by span ("3h", "0" where the operator has none), or limits of the place; of a
    combination neither."""

    level: LevelName
    limits: dict[str, float] = {}
    from_place: FromPlace | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "RuleLevel":
        if self.limits and self.from_place is not None:
            raise ValueError("a level has either limits or from_place")
        return self


class Lowering(PackModel):
    """How an alarm ends: by the readings alone, or from a level upwards by a signature."""

    how: Literal["automatic", "signed"]
    signed_from: LevelName = "orange"


class Members(PackModel):
    """Cases of which some must stand at a level: of one or several rules, at places found from the combination's own.

    of: "own", the attribute that lists their codes, "near 10 km" without the place itself, or "area": all below its
    area. need: so many of them; least: at this level or over it.
    """

    rule: str | tuple[str, ...]
    of: str = "own"
    need: int = Field(1, ge=1)
    least: LevelName = "blue"

    @property
    def rules(self) -> tuple[str, ...]:
        return (self.rule,) if isinstance(self.rule, str) else self.rule


class Example(PackModel):
    """A tiny series and what it must do. readings: [minute, value]; expect: [minute, level] steps.

    streams: the same for several series, by "place/metric", where the place under trial is P1 (or G1 with series: own)
    and others are named by its attributes or stand in `places`: code → kind, attributes, lon, lat.
    """

    name: str
    shows: Literal["fires", "silent", "clears"]
    attributes: dict[str, object] = {}
    readings: list[tuple[float, float]] = []
    streams: dict[str, list[tuple[float, float]]] = {}
    places: dict[str, dict[str, object]] = {}
    until: float | None = Field(None, description="minute at which the clock stands; default: the last reading")
    expect: list[tuple[float, LevelName | Literal["none"]]]


class RulePack(Pack):
    """One rule. series: "own" = readings of the place itself, else the attribute that lists codes of its gauges.

    operator: one of operators.OPERATORS, or "all" and "any" of `groups`. spans: windows, holds or the limit of silence
    by name; "interval*3" = three reporting intervals of the gauge. extra: the operator's second length. hold: how long
    its number must stand over the limit. weights: attribute with weights by gauge; the greatest weighted number counts.
    """

    hazard: str
    applies_to: str
    series: str = "own"
    metric: str = ""
    operator: str
    spans: dict[str, str] = {}
    extra: str = "0"
    hold: str = "0"
    weights: str = ""
    part: bool = Field(False, description="only a member of combinations: judged, raises no alarm of its own")
    groups: list[Members] = []
    below: bool = False
    clear_ratio: float | None = Field(None, gt=0, le=1, description="clears under limit × ratio")
    clear_step: float | None = Field(None, ge=0, description="clears under limit − step, in the metric's unit")
    levels: list[RuleLevel] = Field(min_length=1)
    lowering: Lowering
    max_level: LevelName = "red"
    examples: list[Example]

    @model_validator(mode="after")
    def _sound(self) -> "RulePack":
        if self.operator not in (*OPERATORS, *COMBINING):
            raise ValueError(f"no operator {self.operator!r}; known: {', '.join((*OPERATORS, *COMBINING))}")
        if self.combines:
            self._sound_combination()
        elif not self.spans or not self.metric or self.groups:
            raise ValueError("a rule has a metric and spans; groups belong to operators all and any")
        elif any(not level.limits and level.from_place is None for level in self.levels):
            raise ValueError("a level has either limits or from_place")
        missing = {"fires", "silent", "clears"} - {example.shows for example in self.examples}
        if missing:
            raise ValueError(f"examples that are missing: {', '.join(sorted(missing))}")
        names = set(self.spans)
        for level in self.levels:
            if not set(level.limits) <= names:
                raise ValueError(f"level {level.level} names spans that are not declared")
        return self

    @property
    def members(self) -> frozenset[str]:
        """URNs of the rules whose cases it combines."""
        return frozenset(one for group in self.groups for one in group.rules)

    @property
    def combines(self) -> bool:
        """Whether it judges other cases instead of readings."""
        return self.operator in COMBINING

    def _sound_combination(self) -> None:
        if not self.groups or len(self.levels) != 1 or self.spans or self.metric:
            raise ValueError("a combination has groups and one level, no metric and no spans")


class SourceMetric(PackModel):
    """One element that can tell the metric. counter: it accumulates; modulus: where it rolls over (0 = it does not);
    most: largest believable step. A step over spike_step, and over spike_rate an hour, is held until the next reading
    or a neighbour bears it out; 0 = none is."""

    metric: str
    counter: bool = False
    modulus: float = 0
    most: float = Field(1e9, gt=0)
    spike_step: float = Field(0, ge=0)
    spike_rate: float = Field(0, ge=0)


class Agreement(PackModel):
    """When neighbours bear out a held reading: one of them within so many km has added so much in the window."""

    within_km: float = Field(gt=0)
    at_least: float = Field(gt=0)
    window: str


class SourcePack(Pack):
    """Which element of a station is the truth for a metric: the first of the list that the station sends.

    They are never added together. scale: fixed point, integer = value × scale.
    """

    metric: str
    unit: str
    scale: int = Field(gt=0)
    agreement: Agreement | None = None
    sources: list[SourceMetric] = Field(min_length=1)
