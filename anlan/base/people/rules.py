"""Who answers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Term:
    """A person's time in a post or on a shift: from `start` (included) to `end` (excluded, None = open)."""

    person: UUID
    start: datetime
    end: datetime | None

    def covers(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


def who_answers(shifts: Iterable[Term], holders: Iterable[Term], at: datetime) -> UUID | None:
    """The person on shift, else the holder; of several the one who began last. None: nobody answers, which is news."""
    for terms in (shifts, holders):
        current = sorted((term for term in terms if term.covers(at)), key=lambda term: term.start)
        if current:
            return current[-1].person
    return None
