"""The compiled second pass: from slots that go on and off to the level of each case, and to combinations of cases.

What comes in order of event time, which is nearly all, is counted here; the first row that does not is left to
`cases.py`, which judges its case again from its history. Never: a number of a rule.
"""

from typing import NamedTuple

from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.layout import Ints

LEVELS = 5

# State of a case, a row of `case`. LEVEL: now. INSTANT: event time of the last change of a slot of it. BEFORE: its
# level before that instant. TOUCHED: it is in the list of this instant.
LEVEL, INSTANT, BEFORE, TOUCHED = range(4)

# A step, a row of what the pass writes: case, level from, level to, true_at, slot and value that decided it, and 1 for
# one that is taken back; the last column is known_at, filled by the caller.
STEP = 8
AT, VALUE, CHANGE = 2, 3, 4  # columns of a transition; the first two are slot and up


class Book(NamedTuple):
    """slot_case, slot_level: by slot. case: state. on[c, l]: how many slots of case c are on at level l.

    A case that is combined feeds groups: link[first_link[c] … first_link[c + 1]] = group and the least level that
    counts there. group: combination, how many must count, how many do. member_of[g]: its combination is a case as well.
    need_all[c]: 1 = all groups of a combination, 0 = any; combined[c]: the level it then has, 0 = a plain case.
    """

    slot_case: Ints
    slot_level: Ints
    case: Ints
    on: Ints
    first_link: Ints
    link: Ints
    group: Ints
    first_group: Ints
    need_all: Ints
    combined: Ints


@jit
def top(on: Ints, c: int) -> int:
    """The highest level at which a slot of the case is on."""
    for level in range(LEVELS - 1, 0, -1):
        if on[c, level] > 0:
            return level
    return 0


@jit
def combined_level(b: Book, c: int) -> int:
    """The level of a combination from its groups."""
    met = 0
    first, end = b.first_group[c], b.first_group[c + 1]
    for g in range(first, end):
        if b.group[g, 2] >= b.group[g, 1]:
            met += 1
    wanted = end - first if b.need_all[c] == 1 else 1
    return b.combined[c] if met >= wanted else 0


@jit
def stand(b: Book, c: int, level: int, at: int, slot: int, value: int, out: Ints, n: int) -> int:
    """A case is at `level` at the end of instant `at`: write the step, taking back the one that was said of the same
    instant before."""
    state = b.case
    if state[c, INSTANT] != at:
        state[c, INSTANT] = at
        state[c, BEFORE] = state[c, LEVEL]
    said, before = state[c, LEVEL], state[c, BEFORE]
    if level == said:
        return n
    if said != before:
        n = write(out, n, c, before, said, at, slot, value, 1)
    if level != before:
        n = write(out, n, c, before, level, at, slot, value, 0)
    for i in range(b.first_link[c], b.first_link[c + 1]):
        g = b.link[i, 0]
        b.group[g, 2] += (1 if level >= b.link[i, 1] else 0) - (1 if said >= b.link[i, 1] else 0)
    state[c, LEVEL] = level
    return n


@jit
def write(out: Ints, n: int, c: int, start: int, end: int, at: int, slot: int, value: int, gone: int) -> int:
    """One step; returns the new count."""
    out[n, 0], out[n, 1], out[n, 2], out[n, 3] = c, start, end, at
    out[n, 4], out[n, 5], out[n, 6] = slot, value, gone
    return n + 1


@jit
def ordered(rows: Ints) -> bool:
    """Whether transitions come in order of event time."""
    for r in range(1, len(rows)):  # noqa: SIM110  numba compiles no generator
        if rows[r, AT] < rows[r - 1, AT]:
            return False
    return True


@jit
def in_time(b: Book, rows: Ints, start: int) -> int:
    """The end of the instant that begins with row `start`; −1 when one of its rows was not said in order, or is older
    than what its case, or a combination of it, already stands at."""
    at, end = rows[start, AT], start
    while end < len(rows) and rows[end, AT] == at:
        c = b.slot_case[rows[end, 0]]
        if rows[end, CHANGE] != 0 or b.case[c, INSTANT] > at:
            return -1
        for i in range(b.first_link[c], b.first_link[c + 1]):
            if b.case[b.group[b.link[i, 0], 0], INSTANT] > at:
                return -1
        end += 1
    return end


@jit
def note(b: Book, c: int, r: int, touched: Ints, best: Ints, count: int) -> int:
    """A case is touched in this instant, first by row `r`; returns how many are."""
    if b.case[c, TOUCHED] == 1:
        return count
    b.case[c, TOUCHED] = 1
    touched[count] = c
    best[c] = r
    return count + 1


@jit
def advance(b: Book, rows: Ints, touched: Ints, best: Ints, out: Ints) -> tuple[int, int]:
    """Take transitions in order of event time, instant by instant. Returns (first row left, steps written).

    touched, best: scratch, a row per case; best is the row that decides, for what the step says of it.
    """
    start, n = 0, 0
    while start < len(rows):
        end = in_time(b, rows, start)
        if end < 0:
            return start, n
        count, at = 0, rows[start, AT]
        for r in range(start, end):
            slot, up = rows[r, 0], rows[r, 1]
            c, level = b.slot_case[slot], b.slot_level[slot]
            b.on[c, level] += 1 if up == 1 else -1
            count = note(b, c, r, touched, best, count)
            other = rows[best[c], 0]
            if (up, level, -slot) > (rows[best[c], 1], b.slot_level[other], -other):
                best[c] = r
        plain = count
        for i in range(plain):
            c = touched[i]
            b.case[c, TOUCHED] = 0
            n = stand(b, c, top(b.on, c), at, rows[best[c], 0], rows[best[c], VALUE], out, n)
            for j in range(b.first_link[c], b.first_link[c + 1]):
                count = note(b, b.group[b.link[j, 0], 0], best[c], touched, best, count)
        for i in range(plain, count):
            c = touched[i]
            b.case[c, TOUCHED] = 0
            n = stand(b, c, combined_level(b, c), at, rows[best[c], 0], rows[best[c], VALUE], out, n)
        start = end
    return start, n
