"""The limits of a place and when they are in force: by window, by date of the year, by the state of its soil. Pure.

Never: a default number; a place without one has no limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from anlan.kernel.clock import BEIJING
from anlan.kernel.judging.layout import FAR
from anlan.kernel.judging.packs import FromPlace, RuleLevel

YEARS_BACK, YEARS_ON = 2, 2
"""Limits by date are laid out for the years around the present; nothing older is judged live."""


@dataclass(frozen=True)
class Limit:
    """A limit in the metric's unit, in force while from_ms ≤ event time < to_ms (Unix ms)."""

    value: float
    from_ms: int = -FAR
    to_ms: int = FAR

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms < self.to_ms


def limits_of(level: RuleLevel, attributes: Mapping[str, object], span: str, year: int) -> list[Limit]:
    """Every limit of a level in a span. year: the present one, for limits by date. Raises ValueError for a date that is
    none."""
    own = level.from_place
    if own is None:
        fixed = level.limits.get(span)
        return [] if fixed is None else [Limit(fixed)]
    value = attributes.get(own.attribute)
    if own.column:
        row = value.get(span) if isinstance(value, Mapping) else None
        value = row.get(own.column) if isinstance(row, Mapping) else None
    if own.by_date:
        found = list(_by_date(value, year))
    elif own.by_soil:
        found = list(_by_soil(value, attributes.get(own.by_soil), own))
    else:
        found = [Limit(float(value))] if isinstance(value, int | float) else []
    return [Limit(limit.value * own.times, limit.from_ms, limit.to_ms) for limit in found]


def _by_date(rows: object, year: int) -> Iterator[Limit]:
    """[{from: MM-DD, to: MM-DD, value}], both days inside; a season may reach over New Year."""
    for row in rows if isinstance(rows, list) else []:
        for of in range(year - YEARS_BACK, year + YEARS_ON + 1):
            start, last = _day(of, str(row["from"])), _day(of, str(row["to"]))
            if last < start:
                last = _day(of + 1, str(row["to"]))
            yield Limit(float(row["value"]), _ms(start), _ms(last + timedelta(days=1)))


def _day(year: int, text: str) -> datetime:
    month, _dash, day = text.partition("-")
    try:
        return datetime(year, int(month), int(day), tzinfo=BEIJING)
    except ValueError:
        if (month, day) == ("02", "29"):
            return datetime(year, 2, 28, tzinfo=BEIJING)
        raise ValueError(f"{text!r} is no day of the year: expected MM-DD") from None


def _by_soil(values: object, states: object, own: FromPlace) -> Iterator[Limit]:
    """A number by state, and the states as they came: [[ISO time, state], …]; before the first it is `own.soil`."""
    if not isinstance(values, Mapping):
        return
    turns = [(-FAR, own.soil)]
    for at, state in states if isinstance(states, list) else []:
        turns.append((_ms(datetime.fromisoformat(str(at)).astimezone(UTC)), str(state)))
    turns.sort(key=lambda turn: turn[0])
    for (start, state), (end, _next) in zip(turns, [*turns[1:], (FAR, "")], strict=True):
        number = values.get(state)
        if isinstance(number, int | float):
            yield Limit(float(number), start, end)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
