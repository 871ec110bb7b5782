"""The second pass: a case is a rule at a place; its level is the highest of its slots that are on.

A combination is a case made of other cases: n of m, any, all. What comes in order is counted by `passes.advance`; a
late, repeated or vanished transition judges its case again from the history kept here, which reaches back as far as
`fold` has not been called for; an older change counts as if it had happened at that edge. Never: numbers of a rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from anlan.kernel.judging import passes
from anlan.kernel.judging.layout import FAR, Ints
from anlan.kernel.judging.operators import VANISHED
from anlan.kernel.judging.passes import INSTANT, LEVEL, LEVELS

CASE, FROM, TO, TRUE_AT, SLOT, VALUE, GONE, KNOWN_AT = range(8)  # columns of a step
_Key = tuple[int, int, int, int]
HOUR_MS = 3_600_000


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


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of which `need` must stand at a level or over it: (case, least level)."""

    need: int
    members: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Combination:
    """A case that is at `level` while all of its groups (or any) have as many members as they need, else at 0."""

    case: int
    level: int
    groups: tuple[Group, ...]
    all: bool = True


class Steps:
    """What a batch did to the cases, as rows: CASE, FROM, TO, TRUE_AT, SLOT, VALUE, GONE (1: a late reading took the
    step back), KNOWN_AT; slots are counted as the kernel has sorted them."""

    def __init__(self, rows: Ints, spec_of: Ints) -> None:
        self.table, self.spec_of = rows, spec_of

    def __len__(self) -> int:
        return len(self.table)

    def cases(self) -> list[int]:
        """Cases that changed, each once."""
        found: list[int] = np.unique(self.table[:, CASE]).tolist()
        return found

    def added(self) -> list[Step]:
        return [_step(row, self.spec_of) for row in self.table.tolist() if not row[GONE]]

    def vanished(self) -> list[Step]:
        return [_step(row, self.spec_of) for row in self.table.tolist() if row[GONE]]


def _step(row: Sequence[int], spec_of: Ints) -> Step:
    return Step(row[CASE], row[FROM], row[TO], row[TRUE_AT], row[KNOWN_AT], int(spec_of[row[SLOT]]), row[VALUE])


@dataclass(frozen=True, slots=True)
class Episode:
    """A case away from level 0. begun and ended: its first and last step, None = not ended; peak: its highest level."""

    case: int
    peak: int
    begun: Step
    ended: Step | None


class Told:
    """All steps of a run, without those that were taken back again."""

    def __init__(self) -> None:
        self._steps: dict[tuple[int, int, int, int], Step] = {}

    def take(self, found: Steps) -> None:
        for step in found.vanished():
            self._steps.pop((step.case, step.true_at, step.level_from, step.level_to), None)
        for step in found.added():
            self._steps[step.case, step.true_at, step.level_from, step.level_to] = step

    def episodes(self) -> list[Episode]:
        """By when they ended, those that have not at the end."""
        standing: dict[int, tuple[Step, int]] = {}
        found = []
        for step in sorted(self._steps.values(), key=lambda step: step.true_at):
            begun, peak = standing.pop(step.case, (step, 0))
            if step.level_to:
                standing[step.case] = begun, max(peak, step.level_to)
            elif peak:
                found.append(Episode(step.case, peak, begun, step))
        return found + [Episode(case, peak, begun, None) for case, (begun, peak) in standing.items()]


class _Table:
    """Rows of integers that grow at the end and are thinned now and then."""

    def __init__(self, columns: int) -> None:
        self._space: Ints = np.zeros((64, columns), np.int64)
        self.count = 0

    @property
    def rows(self) -> Ints:
        return self._space[: self.count]

    def add(self, rows: Ints) -> None:
        end = self.count + len(rows)
        if end > len(self._space):
            wide = np.zeros((max(end, 2 * len(self._space)), self._space.shape[1]), np.int64)
            wide[: self.count] = self.rows
            self._space = wide
        self._space[self.count : end] = rows
        self.count = end

    def keep(self, wanted: Any) -> None:
        kept = self.rows[wanted]
        self._space[: len(kept)] = kept
        self.count = len(kept)


_NONE: Ints = np.zeros((0, passes.STEP), np.int64)


class Cases:
    """Levels of all cases. slots: for each slot, as the kernel has sorted them, its case, the level (1–4) that it
    means, and the position of its spec."""

    def __init__(self, slots: Sequence[tuple[int, int, int]], combinations: Sequence[Combination] = ()) -> None:
        self.combinations = {found.case: found for found in combinations}
        self._book = _new_book([slot[0] for slot in slots], [slot[1] for slot in slots], combinations)
        self._spec_of: Ints = np.array([slot[2] for slot in slots], np.int64)
        count = len(self._book.case)
        self._on = np.zeros(len(slots), np.int64)  # slots as they were at the edge of the history
        self._events = _Table(5)  # slot, up, true_at, value, change
        self._steps = _Table(8)
        self._touched, self._best = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._out = np.zeros((256, passes.STEP), np.int64)
        self._edge = -FAR

    def level(self, case: int) -> int:
        return int(self._book.case[case, LEVEL])

    def steps(self, case: int) -> list[Step]:
        """The case's steps inside the history, in event order."""
        rows = self._steps.rows
        mine = rows[rows[:, CASE] == case]
        return [_step(row, self._spec_of) for row in mine[np.argsort(mine[:, TRUE_AT], kind="stable")].tolist()]

    def apply(self, rows: Ints, known_at: int) -> Steps:
        """Take slot transitions (slot, up, true_at, value, change), in any order; returns what changed."""
        if not len(rows):
            return self._steps_of(_NONE)
        if not passes.ordered(rows):
            rows = rows[np.argsort(rows[:, 2], kind="stable")]
        if 4 * len(rows) > len(self._out):
            self._out = np.zeros((8 * len(rows), passes.STEP), np.int64)
        stopped, n = passes.advance(self._book, rows, self._touched, self._best, self._out)
        said = self._out[:n].copy()
        said[:, KNOWN_AT] = known_at
        if n:
            self._keep(said)
        self._events.add(rows[:stopped])
        if stopped == len(rows):
            return self._steps_of(said)
        return self._steps_of(_net([*said.tolist(), *self._again(rows[stopped:], known_at)]))

    def _steps_of(self, rows: Ints) -> Steps:
        return Steps(rows, self._spec_of)

    def _keep(self, said: Ints) -> None:
        """Steps said in order. One that is taken back is the newest of its case."""
        gone = said[:, GONE] == 1
        if not gone.any():
            self._steps.add(said)
            return
        for row in said.tolist():
            if row[GONE]:
                self._forget(row)
            else:
                self._steps.add(np.array([row], np.int64))

    def _forget(self, row: Sequence[int]) -> None:
        rows = self._steps.rows
        same = (rows[:, CASE] == row[CASE]) & (rows[:, TRUE_AT] == row[TRUE_AT])
        self._steps.keep(~(same & (rows[:, FROM] == row[FROM]) & (rows[:, TO] == row[TO])))

    def _again(self, events: Ints, known_at: int) -> list[list[int]]:
        """Judge the cases of these rows, and what is combined of them, from their whole history."""
        gone = events[:, 4] == VANISHED
        self._events.add(events[~gone])
        for slot, up, at, _value, _change in events[gone].tolist():
            rows = self._events.rows
            found = np.flatnonzero((rows[:, 0] == slot) & (rows[:, 1] == up) & (rows[:, 2] == at))
            if len(found):
                self._events.keep(np.arange(len(rows)) != found[0])
        said = []
        touched = dict.fromkeys(self._book.slot_case[events[:, 0]].tolist())
        for case in touched:
            said += self._replace(case, *self._plain(case), known_at)
        for whole in dict.fromkeys(whole for case in touched for whole in self._wholes(case)):
            said += self._replace(whole, *self._combined(whole), known_at)
        return said

    def _wholes(self, case: int) -> list[int]:
        b = self._book
        groups = b.link[b.first_link[case] : b.first_link[case + 1], 0]
        wholes: list[int] = b.group[groups, 0].tolist()
        return wholes

    def _plain(self, case: int) -> tuple[list[list[int]], int, int, int]:
        """Steps of a case from its slots, its level, its last instant, and its level before that."""
        b = self._book
        rows = self._events.rows
        mine = rows[b.slot_case[rows[:, 0]] == case]
        mine = mine[np.argsort(mine[:, 2], kind="stable")].tolist()
        count = [0] * LEVELS
        for slot in np.flatnonzero((b.slot_case == case) & (self._on == 1)).tolist():
            count[b.slot_level[slot]] += 1
        level = before = _top(count)
        steps, last = [], -FAR
        for at, group in groupby(mine, key=lambda row: row[2]):
            # All that happened in one instant is judged together, whatever order it came in.
            together = list(group)
            for slot, up, _at, _value, _change in together:
                count[b.slot_level[slot]] += 1 if up else -1
            before, level, last = level, _top(count), at
            if level != before:
                slot, _u, _a, value, _c = max(together, key=lambda e: (e[1], b.slot_level[e[0]], -e[0]))
                steps.append([case, before, level, at, slot, value, 0, 0])
        b.on[case] = count
        return steps, level, last, before

    def _combined(self, case: int) -> tuple[list[list[int]], int, int, int]:
        """The same of a combination, from the steps of its members."""
        found = self.combinations[case]
        rows = self._steps.rows
        members = {member for group in found.groups for member, _least in group.members}
        mine = rows[np.isin(rows[:, CASE], list(members))]
        mine = mine[np.argsort(mine[:, TRUE_AT], kind="stable")].tolist()
        levels = {member: self.level(member) for member in members}
        for row in reversed(mine):
            levels[row[CASE]] = row[FROM]
        level = before = _level_of(found, levels)
        steps, last = [], -FAR
        for at, group in groupby(mine, key=lambda row: row[TRUE_AT]):
            together = list(group)
            for row in together:
                levels[row[CASE]] = row[TO]
            before, level, last = level, _level_of(found, levels), at
            if level != before:
                steps.append([case, before, level, at, together[0][SLOT], together[0][VALUE], 0, 0])
        return steps, level, last, before

    def _replace(
        self, case: int, steps: list[list[int]], level: int, last: int, before: int, known_at: int
    ) -> list[list[int]]:
        """Put the steps of a case in the place of those that stood; returns what that adds and takes away."""
        b = self._book
        rows = self._steps.rows
        mine = rows[:, CASE] == case
        old = {_key(row): row for row in rows[mine].tolist()}
        new = {_key(row): row for row in steps}
        for key, row in new.items():
            row[KNOWN_AT] = old[key][KNOWN_AT] if key in old else known_at
        self._steps.keep(~mine)
        if steps:
            self._steps.add(np.array(list(new.values()), np.int64))
        was = self.level(case)
        for g, least in b.link[b.first_link[case] : b.first_link[case + 1]].tolist():
            b.group[g, 2] += int(level >= least) - int(was >= least)
        b.case[case] = (level, last, before, 0)
        gone = [[*row[:GONE], 1, known_at] for key, row in old.items() if key not in new]
        return gone + [row for key, row in new.items() if key not in old]

    def fold(self, edge: int) -> None:
        """Forget the single steps before `edge` (Unix ms) and keep their result; call it now and then."""
        if edge < self._edge:
            return
        self._edge = edge + HOUR_MS
        rows = self._events.rows
        old = rows[:, 2] < edge
        for slot, up in rows[old][np.argsort(rows[old, 2], kind="stable")][:, :2].tolist():
            self._on[slot] = up
        self._events.keep(~old)
        self._steps.keep(self._steps.rows[:, TRUE_AT] >= edge)

    def dump(self) -> dict[str, bytes]:
        """Everything, as plain data for a snapshot."""
        b = self._book
        columns = {"case": b.case, "count": b.on, "group": b.group, "on": self._on,
                   "events": self._events.rows, "steps": self._steps.rows}  # fmt: skip
        return {name: np.ascontiguousarray(column).tobytes() for name, column in columns.items()}

    def load(self, data: dict[str, bytes]) -> None:
        b = self._book
        for name, column in (("case", b.case), ("count", b.on), ("group", b.group), ("on", self._on)):
            column[...] = np.frombuffer(data[name], np.int64).reshape(column.shape)
        for name, table, columns in (("events", self._events, 5), ("steps", self._steps, 8)):
            table.count = 0
            table.add(np.frombuffer(data[name], np.int64).reshape(-1, columns))


def _top(count: Sequence[int]) -> int:
    return max((level for level in range(1, LEVELS) if count[level] > 0), default=0)


def _level_of(found: Combination, levels: dict[int, int]) -> int:
    met = [sum(levels[member] >= least for member, least in group.members) >= group.need for group in found.groups]
    return found.level if (all(met) if found.all else any(met)) else 0


def _key(row: Sequence[int]) -> _Key:
    return (row[CASE], row[TRUE_AT], row[FROM], row[TO])


def _net(rows: Iterable[list[int]]) -> Ints:
    """What was added and taken back in one go never was."""
    net: dict[_Key, list[int] | None] = {}
    for row in rows:
        key = _key(row)
        standing = net.get(key)
        net[key] = None if standing is not None and standing[GONE] != row[GONE] else row
    left = [row for row in net.values() if row is not None]
    return np.array(left, np.int64).reshape(-1, 8)


def _new_book(slot_case: Sequence[int], slot_level: Sequence[int], combinations: Sequence[Combination]) -> passes.Book:
    count = max([-1, *slot_case, *(found.case for found in combinations)]) + 1
    groups = [(found.case, group) for found in sorted(combinations, key=lambda c: c.case) for group in found.groups]
    links = sorted((member, g, least) for g, (_case, group) in enumerate(groups) for member, least in group.members)
    need_all, combined = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for found in combinations:
        need_all[found.case], combined[found.case] = int(found.all), found.level
    numbers = np.arange(count + 1)
    case = np.zeros((count, 4), np.int64)
    case[:, INSTANT] = -FAR
    return passes.Book(
        slot_case=np.array(slot_case, np.int64),
        slot_level=np.array(slot_level, np.int64),
        case=case,
        on=np.zeros((count, LEVELS), np.int64),
        first_link=np.searchsorted([link[0] for link in links], numbers).astype(np.int64),
        link=np.array([link[1:] for link in links], np.int64).reshape(-1, 2),
        group=np.array([(c, group.need, 0) for c, group in groups], np.int64).reshape(-1, 3),
        first_group=np.searchsorted([c for c, _group in groups], numbers).astype(np.int64),
        need_all=need_all,
        combined=combined,
    )
