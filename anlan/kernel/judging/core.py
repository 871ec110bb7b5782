"""The compiled inner loops: take a batch, re-judge a series for a late reading, tick the clock, settle old readings.

Every function works on a `Book` of arrays. Never: objects, allocation inside a loop.
"""

from typing import NamedTuple

from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.operators import (
    ADDED,
    LIMIT,
    ON,
    REJUDGED,
    SILENCE,
    SUM,
    TAIL,
    VANISHED,
    Ints,
    emit,
    limit_step,
    silence_finish,
    silence_step,
    sum_step,
)

DONE, OUT_FULL, SERIES_FULL, SCRATCH_FULL = range(4)


class Book(NamedTuple):
    """All state. Per series: readings lie in T, V at [lo, hi) of its slab [off, off + cap), in order of event time;
    those before `cp` are settled (no late reading may change them). Per slot: P parameters, Z state now, C state
    before reading `cp`. first[op, s] … first[op, s + 1]: the slots of series s under an operator."""

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


@jit
def step_all(b: Book, s: int, i: int, Z: Ints, out: Ints, n: int) -> int:
    """One reading through every slot of its series, on the given state."""
    for k in range(b.first[LIMIT, s], b.first[LIMIT, s + 1]):
        n = limit_step(b.T, b.V, i, b.P, Z, k, out, n)
    lo, counter, modulus, most = b.lo[s], b.counter[s], b.modulus[s], b.most[s]
    for k in range(b.first[SUM, s], b.first[SUM, s + 1]):
        n = sum_step(b.T, b.V, i, lo, counter, modulus, most, b.P, Z, k, out, n)
    for k in range(b.first[SILENCE, s], b.first[SILENCE, s + 1]):
        n = silence_step(b.T, i, lo, b.P, Z, k, out, n)
    return n


@jit
def slot_count(b: Book, s: int) -> int:
    count = 0
    for op in range(b.first.shape[0]):
        count += b.first[op, s + 1] - b.first[op, s]
    return count


@jit
def rerun(b: Book, s: int, scratch: Ints) -> int:
    """Judge the unsettled readings of a series again from its checkpoint; writes its transitions, returns how many."""
    for op in range(b.first.shape[0]):
        for k in range(b.first[op, s], b.first[op, s + 1]):
            for column in range(b.Z.shape[1]):
                b.Z[k, column] = b.C[k, column]
    n = 0
    for i in range(b.cp[s], b.hi[s]):
        n = step_all(b, s, i, b.Z, scratch, n)
    for k in range(b.first[SILENCE, s], b.first[SILENCE, s + 1]):
        n = silence_finish(b.T, b.hi[s] - 1, b.clock[0], b.P, b.Z, k, scratch, n, ADDED)
    return n


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
def ingest(
    b: Book, S: Ints, T: Ints, V: Ints, start: int, horizon: int, old: Ints, new: Ints, out: Ints, n: int
) -> tuple[int, int, int]:
    """Take readings from `start` on. Returns (next reading, transitions written, why it stopped)."""
    for a in range(start, len(S)):
        s, t = S[a], T[a]
        hi = b.hi[s]
        slots = slot_count(b, s)
        if hi == b.off[s] + b.cap[s]:
            return a, n, SERIES_FULL
        if hi == b.lo[s] or t > b.T[hi - 1]:
            if n + 3 * slots > len(out):
                return a, n, OUT_FULL
            b.T[hi] = t
            b.V[hi] = V[a]
            b.hi[s] = hi + 1
            n = step_all(b, s, hi, b.Z, out, n)
            for k in range(b.first[SILENCE, s], b.first[SILENCE, s + 1]):
                n = silence_finish(b.T, hi, b.clock[0], b.P, b.Z, k, out, n, ADDED)
        else:
            worst = 2 * slots * (hi + 2 - b.cp[s])
            if worst > len(old):
                return a, n, SCRATCH_FULL
            if n + 2 * worst > len(out):
                return a, n, OUT_FULL
            n = late(b, s, t, V[a], horizon, old, new, out, n)
    return len(S), n, DONE


@jit
def tick(b: Book, now: int, out: Ints) -> int:
    """The clock moves to `now` (never back): raise what has fallen silent. `out` must hold every silence slot."""
    n = 0
    if now <= b.clock[0]:
        return n
    b.clock[0] = now
    for s in range(len(b.off)):
        if b.hi[s] > b.lo[s]:
            for k in range(b.first[SILENCE, s], b.first[SILENCE, s + 1]):
                n = silence_finish(b.T, b.hi[s] - 1, now, b.P, b.Z, k, out, n, ADDED)
    return n


@jit
def settle(b: Book, s: int, horizon: int, scratch: Ints) -> None:
    """Move the checkpoint over readings that have left the horizon, and forget those no window can reach any more.

    One reading before the oldest needed one is kept: a counter's step and a gap begin there.
    """
    hi = b.hi[s]
    if hi == b.lo[s]:
        return
    edge = b.T[hi - 1] - horizon
    cp = b.cp[s]
    while cp < hi and b.T[cp] < edge:
        step_all(b, s, cp, b.C, scratch, 0)
        cp += 1
    b.cp[s] = cp
    lo = b.lo[s]
    if cp > lo:
        reach = b.T[cp - 1] - b.window[s]
        while lo + 1 < cp and b.T[lo + 1] <= reach:
            lo += 1
    b.lo[s] = lo


@jit
def move(b: Book, s: int, source_t: Ints, source_v: Ints, target: int, cap: int) -> None:
    """Put the readings of a series at `target` of the book's arrays and give it a slab of `cap` from there."""
    lo, hi = b.lo[s], b.hi[s]
    for i in range(hi - lo):
        b.T[target + i] = source_t[lo + i]
        b.V[target + i] = source_v[lo + i]
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
def on_slots(b: Book) -> int:
    """How many slots are raised now."""
    count = 0
    for k in range(len(b.Z)):
        count += b.Z[k, ON]
    return count
