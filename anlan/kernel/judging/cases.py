"""The second pass: a case is a rule at a place; its level is the highest of its slots that are on.

Series of one place may lag behind each other as far as `fold` has not been called for; an older change counts as if it
had happened at that edge. Transitions are rare, so this is plain Python. Never: numbers of a rule.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from anlan.kernel.judging.operators import VANISHED

Event = tuple[int, int, int, int]  # true_at, slot, up, value


@dataclass(frozen=True, slots=True)
class Step:
    """A case's level changed. Times in Unix ms; slot and value: what decided it, in the series' fixed point.

    known_at: when it could be known. Silence is known by the clock alone.
    """

    case: int
    level_from: int
    level_to: int
    true_at: int
    known_at: int
    slot: int
    value: int


@dataclass(slots=True)
class CaseChange:
    """What a batch did to one case: steps that appeared and steps that a late reading took back, in event order."""

    case: int
    level: int
    added: list[Step]
    vanished: list[Step]


@dataclass(slots=True)
class _Case:
    settled: frozenset[int] = frozenset()
    events: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Cases:
    """Levels of all cases. slot_case, slot_level: for each slot its case and the level (1–4) that it means."""

    def __init__(self, slot_case: Sequence[int], slot_level: Sequence[int]) -> None:
        self._slot_case = slot_case
        self._slot_level = slot_level
        self._cases: dict[int, _Case] = {}

    def level(self, case: int) -> int:
        held = self._cases.get(case)
        return held.steps[-1].level_to if held and held.steps else self._settled_level(held)

    def steps(self, case: int) -> list[Step]:
        """The case's steps inside the horizon, in event order."""
        held = self._cases.get(case)
        return list(held.steps) if held else []

    def apply(self, rows: Iterable[Sequence[int]], known_at: int) -> list[CaseChange]:
        """Take slot transitions (slot, up, true_at, value, change); returns what changed, case by case."""
        touched: dict[int, None] = {}
        for slot, up, true_at, value, change in rows:
            number = self._slot_case[slot]
            touched[number] = None
            events = self._cases.setdefault(number, _Case()).events
            if change == VANISHED:
                found = next((e for e in events if e[0] == true_at and e[1] == slot and e[2] == up), None)
                if found is not None:
                    events.remove(found)
            else:
                insort(events, (true_at, slot, up, value))
        changes = [self._judge(number, known_at) for number in touched]
        return [change for change in changes if change.added or change.vanished]

    def _judge(self, number: int, known_at: int) -> CaseChange:
        case = self._cases[number]
        old = {(s.true_at, s.level_from, s.level_to): s for s in case.steps}
        case.steps, added = [], []
        on = set(case.settled)
        level = self._top(on)
        for true_at, group in groupby(case.events, key=lambda event: event[0]):
            events = list(group)
            # All that happened in one instant is judged together, whatever order it came in.
            for up in (1, 0):
                for _t, slot, direction, _v in events:
                    if direction == up:
                        (on.add if up else on.discard)(slot)
            now = self._top(on)
            if now != level:
                _t, slot, _d, value = max(events, key=lambda e: (e[2] == (now > level), self._slot_level[e[1]], -e[1]))
                step = old.pop((true_at, level, now), None)
                if step is None:
                    step = Step(number, level, now, true_at, known_at, slot, value)
                    added.append(step)
                case.steps.append(step)
                level = now
        return CaseChange(number, level, added, list(old.values()))

    def fold(self, edge: int) -> None:
        """Forget the single steps before `edge` (Unix ms) and keep their result; call it now and then."""
        for case in self._cases.values():
            old = [event for event in case.events if event[0] < edge]
            if not old:
                continue
            on = set(case.settled)
            for _at, slot, up, _value in old:
                (on.add if up else on.discard)(slot)
            case.settled, case.events = frozenset(on), case.events[len(old) :]
            case.steps = [step for step in case.steps if step.true_at >= edge]

    def _top(self, on: Iterable[int]) -> int:
        return max((self._slot_level[slot] for slot in on), default=0)

    def _settled_level(self, case: _Case | None) -> int:
        return self._top(case.settled) if case else 0

    def dump(self) -> list[tuple[int, list[int], list[Event], list[tuple[int, ...]]]]:
        """Everything, as plain data for a snapshot."""
        return [
            (
                number,
                sorted(case.settled),
                list(case.events),
                [(s.level_from, s.level_to, s.true_at, s.known_at, s.slot, s.value) for s in case.steps],
            )
            for number, case in self._cases.items()
        ]

    def load(self, data: Iterable[tuple[int, list[int], list[Event], list[tuple[int, ...]]]]) -> None:
        self._cases = {
            number: _Case(
                frozenset(settled),
                [(e[0], e[1], e[2], e[3]) for e in events],
                [Step(number, s[0], s[1], s[2], s[3], s[4], s[5]) for s in steps],
            )
            for number, settled, events, steps in data
        }
