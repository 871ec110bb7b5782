"""The compiled inner loops: take a batch, re-judge a series for a late reading, tick the clock, settle old readings.

Every function works on a `Book` of arrays. Never: objects, allocation inside a loop.
"""

from typing import NamedTuple

from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.operators import (
    ADDED,
    AUX,
    BOTH,
    CLEAR,
    DOWN,
    LIMIT,
    NEVER,
    ON,
    QUIET,
    RAISE,
    REJUDGED,
    SIGN,
    SILENCE,
    SPAN,
    SUM,
    TAIL,
    UP,
    VANISHED,
    Ints,
    emit,
    increment,
    limit_step,
    silence_step,
    sum_step,
)

DONE, OUT_FULL, SERIES_FULL, SCRATCH_FULL, LATE = range(5)


class Book(NamedTuple):
    """All state. Per series: readings lie in T, V at [lo, hi) of its slab [off, off + cap), in order of event time;
    those before `cp` are settled (no late reading may change them). Per slot: P parameters, Z state now, C state
    before reading `cp`. first[op, s] … first[op, s + 1]: the slots of series s under an operator.
    used: how much of T and V is given out."""

    T: Ints
    V: Ints
    off: Ints
    cap: Ints
    lo: Ints
    hi: Ints
    cp: Ints
    counter: Ints
    modulus: Ints
    most: Ints
    window: Ints
    first: Ints
    P: Ints
    Z: Ints
    C: Ints
    clock: Ints
    stale: Ints
    used: Ints


@jit
def slot_count(first: Ints, s: int) -> int:
    count = 0
    for op in range(first.shape[0]):
        count += first[op, s + 1] - first[op, s]
    return count


@jit
def walk(
    T: Ints, V: Ints, off: Ints, cap: Ints, lo: Ints, hi: Ints, counter: Ints, modulus: Ints, most: Ints, first: Ints,
    P: Ints, Z: Ints, clock: int, S: Ints, at: Ints, value: Ints, start: int, stop: int, only: int, keep: bool,
    out: Ints, n: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Readings through every slot of their series. Returns (where it stopped, transitions written, why).

    only < 0: new readings [start, stop) of the batch S, at, value; the first that is not newer than its series ends it
    (LATE). only >= 0: the stored readings [start, stop) of that one series again; keep: all their transitions, else
    those of the last. One long function over plain arrays: see operators.py.
    """
    for a in range(start, stop):
        if only >= 0:
            s, i = only, a
            n = n if keep else 0
        else:
            s, i = S[a], hi[S[a]]
            if i == off[s] + cap[s]:
                return a, n, SERIES_FULL
            if i > lo[s] and at[a] <= T[i - 1]:
                return a, n, LATE
            if n + 3 * slot_count(first, s) > len(out):
                return a, n, OUT_FULL
            T[i] = at[a]
            V[i] = value[a]
            hi[s] = i + 1
        t, v, low = T[i], V[i], lo[s]
        before = V[max(i - 1, 0)]
        for k in range(first[LIMIT, s], first[LIMIT, s + 1]):
            on, since, said = limit_step(t, v * P[k, SIGN], P[k, RAISE], P[k, CLEAR], P[k, SPAN], Z[k, ON], Z[k, AUX])
            Z[k, ON] = on
            Z[k, AUX] = since
            if said != QUIET:
                n = emit(out, n, k, said, t, v, ADDED)
        for k in range(first[SUM, s], first[SUM, s + 1]):
            total = Z[k, AUX] + increment(v, before, i <= low, counter[s], modulus[s], most[s])
            tail, edge = Z[k, TAIL], t - P[k, SPAN]
            while T[tail] <= edge:
                total -= increment(V[tail], V[max(tail - 1, 0)], tail <= low, counter[s], modulus[s], most[s])
                tail += 1
            Z[k, AUX] = total
            Z[k, TAIL] = tail
            said = sum_step(total, P[k, RAISE], P[k, CLEAR], Z[k, ON])
            if said != QUIET:
                Z[k, ON] = said
                n = emit(out, n, k, said, t, total, ADDED)
        for k in range(first[SILENCE, s], first[SILENCE, s + 1]):
            span = P[k, SPAN]
            if i > low:
                last = T[i - 1]
                said = silence_step(t, last, span, Z[k, ON])
                if said == BOTH:
                    n = emit(out, n, k, UP, last + span, last, ADDED)
                if said == NEVER:
                    n = emit(out, n, k, UP, last + span, last, VANISHED)
                elif said != QUIET:
                    n = emit(out, n, k, DOWN, t, t, ADDED)
                Z[k, ON] = 0
            if only < 0 and clock > t + span and Z[k, ON] == 0:
                Z[k, ON] = 1
                n = emit(out, n, k, UP, t + span, t, ADDED)
    return stop, n, DONE


@jit
def again(b: Book, s: int, end: int, Z: Ints, keep: bool, out: Ints) -> int:
    """The readings of a series from its checkpoint to `end` once more, on the given state."""
    _at, n, _why = walk(
        b.T, b.V, b.off, b.cap, b.lo, b.hi, b.counter, b.modulus, b.most, b.first, b.P, Z, b.clock[0],
        b.off, b.off, b.off, b.cp[s], end, s, keep, out, 0,
    )  # fmt: skip
    return n


@jit
def silent_now(b: Book, s: int, clock: int, out: Ints, n: int) -> int:
    """The clock stands at `clock`: is the series silent? A series that never spoke is not."""
    last = b.T[b.hi[s] - 1]
    for k in range(b.first[SILENCE, s], b.first[SILENCE, s + 1]):
        if b.Z[k, ON] == 0 and clock > last + b.P[k, SPAN]:
            b.Z[k, ON] = 1
            n = emit(out, n, k, UP, last + b.P[k, SPAN], last, ADDED)
    return n


@jit
def rerun(b: Book, s: int, scratch: Ints) -> int:
    """Judge the unsettled readings of a series again from its checkpoint; writes its transitions, returns how many."""
    for op in range(b.first.shape[0]):
        for k in range(b.first[op, s], b.first[op, s + 1]):
            for column in range(b.Z.shape[1]):
                b.Z[k, column] = b.C[k, column]
    return silent_now(b, s, b.clock[0], scratch, again(b, s, b.hi[s], b.Z, True, scratch))


@jit
def holds(rows: Ints, count: int, slot: int, up: int, true_at: int) -> bool:
    for r in range(count):  # noqa: SIM110  numba compiles no generator
        if rows[r, 0] == slot and rows[r, 1] == up and rows[r, 2] == true_at:
            return True
    return False


@jit
def late(b: Book, s: int, t: int, v: int, horizon: int, old: Ints, new: Ints, out: Ints, n: int) -> int:
    """Put a late or repeated reading where it belongs and say what that adds and takes away."""
    if t < b.T[b.hi[s] - 1] - horizon:
        b.stale[0] += 1
        return n
    left, right = b.cp[s], b.hi[s]
    while left < right:
        middle = (left + right) // 2
        if b.T[middle] < t:
            left = middle + 1
        else:
            right = middle
    same = left < b.hi[s] and b.T[left] == t
    if same and b.V[left] == v:
        return n
    before = rerun(b, s, old)
    if not same:
        for i in range(b.hi[s], left, -1):
            b.T[i] = b.T[i - 1]
            b.V[i] = b.V[i - 1]
        b.hi[s] += 1
    b.T[left] = t
    b.V[left] = v
    after = rerun(b, s, new)
    for r in range(before):
        if not holds(new, after, old[r, 0], old[r, 1], old[r, 2]):
            n = emit(out, n, old[r, 0], old[r, 1], old[r, 2], old[r, 3], VANISHED)
    for r in range(after):
        if not holds(old, before, new[r, 0], new[r, 1], new[r, 2]):
            n = emit(out, n, new[r, 0], new[r, 1], new[r, 2], new[r, 3], REJUDGED)
    return n


@jit
def settle(b: Book, s: int, horizon: int, scratch: Ints) -> None:
    """Move the checkpoint over readings that have left the horizon, and forget those no window can reach any more.

    One reading before the oldest needed one is kept: a counter's step and a gap begin there.
    """
    hi = b.hi[s]
    if hi == b.lo[s]:
        return
    T = b.T
    edge = T[hi - 1] - horizon
    cp = b.cp[s]
    while cp < hi and T[cp] < edge:
        cp += 1
    again(b, s, cp, b.C, False, scratch)
    b.cp[s] = cp
    lo = b.lo[s]
    if cp > lo:
        reach = b.T[cp - 1] - b.window[s]
        while lo + 1 < cp and T[lo + 1] <= reach:
            lo += 1
    b.lo[s] = lo


@jit
def move(b: Book, s: int, target: int, cap: int) -> None:
    """Put the readings of a series at `target` of T and V and give it a slab of `cap` from there."""
    T, V, lo, hi = b.T, b.V, b.lo[s], b.hi[s]
    for i in range(hi - lo):
        T[target + i] = T[lo + i]
        V[target + i] = V[lo + i]
    shift = target - lo
    for op in range(b.first.shape[0]):
        for k in range(b.first[op, s], b.first[op, s + 1]):
            b.Z[k, TAIL] += shift
            b.C[k, TAIL] += shift
    b.off[s] = target
    b.cap[s] = cap
    b.lo[s] = target
    b.hi[s] = hi + shift
    b.cp[s] += shift


@jit
def make_room(b: Book, s: int, horizon: int, scratch: Ints) -> bool:
    """Settle what has left the horizon; where that frees little, give the series a slab of twice the size. False: T and
    V are too short for that."""
    settle(b, s, horizon, scratch)
    held, cap, used = b.hi[s] - b.lo[s], b.cap[s], b.used[0]
    if held <= cap - cap // 4:
        move(b, s, b.off[s], cap)
    elif used + 2 * cap <= len(b.T):
        move(b, s, used, 2 * cap)
        b.used[0] = used + 2 * cap
    else:
        return False
    return True


@jit
def ingest(
    b: Book, S: Ints, T: Ints, V: Ints, start: int, horizon: int, old: Ints, new: Ints, out: Ints, n: int
) -> tuple[int, int, int]:
    """Take readings from `start` on. Returns (next reading, transitions written, why it stopped).

    What comes in order, which is nearly all, stays inside `walk`.
    """
    a = start
    while True:
        a, n, why = walk(
            b.T, b.V, b.off, b.cap, b.lo, b.hi, b.counter, b.modulus, b.most, b.first, b.P, b.Z, b.clock[0],
            S, T, V, a, len(S), -1, True, out, n,
        )  # fmt: skip
        if why == SERIES_FULL and make_room(b, S[a], horizon, new):
            continue
        if why != LATE:
            return a, n, why
        s = S[a]
        worst = 2 * slot_count(b.first, s) * (b.hi[s] + 2 - b.cp[s])
        if worst > len(old):
            return a, n, SCRATCH_FULL
        if n + 2 * worst > len(out):
            return a, n, OUT_FULL
        n = late(b, s, T[a], V[a], horizon, old, new, out, n)
        a += 1


@jit
def tick(b: Book, now: int, out: Ints) -> int:
    """The clock moves to `now` (never back): raise what has fallen silent. `out` must hold every silence slot."""
    n = 0
    if now <= b.clock[0]:
        return n
    b.clock[0] = now
    T, lo, hi, first, P, Z = b.T, b.lo, b.hi, b.first, b.P, b.Z
    for s in range(len(lo)):
        if hi[s] > lo[s]:
            last = T[hi[s] - 1]
            for k in range(first[SILENCE, s], first[SILENCE, s + 1]):
                if Z[k, ON] == 0 and now > last + P[k, SPAN]:
                    Z[k, ON] = 1
                    n = emit(out, n, k, UP, last + P[k, SPAN], last, ADDED)
    return n


@jit
def on_slots(b: Book) -> int:
    """How many slots are raised now."""
    count = 0
    for k in range(len(b.Z)):
        count += b.Z[k, ON]
    return count
