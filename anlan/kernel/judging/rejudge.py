"""The compiled slow paths: late, repeated and withdrawn readings, checkpoints, the care of a ring, the clock's tick.

A reading behind the newest one of its series judges the series again from the last checkpoint before it, once as it
was and once as it is; what differs is said. Never: a way of judging of its own; that is `core.walk`.
"""

from anlan.kernel.judging.core import (
    CARE_DUE,
    DONE,
    LATE,
    OUT_FULL,
    SCRATCH_FULL,
    band,
    lowest,
    next_turn,
    slab,
    walk,
    window,
)
from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.layout import (
    APART,
    APART_BY,
    CARE,
    EVERY,
    FAR,
    FHIGH,
    FINE,
    FIRST,
    FLOW,
    GAP,
    GENERATIONS,
    HEAD,
    HIGH,
    HOLD,
    KIND,
    LANES,
    LAST,
    LOW,
    MARK,
    NEXT,
    ODD,
    OLDEST,
    ON,
    RELEASED,
    RING,
    SINCE,
    SPAN,
    TAIL,
    TIME,
    TOTAL,
    VOID,
    WINDOW,
    WORTH,
    Book,
    Ints,
)
from anlan.kernel.judging.operators import ADDED, AHEAD, REJUDGED, RISE, SUM, UP, VANISHED, emit

SPARE = 4
"""Readings kept before the oldest one that a window can reach: a counter's step and a gap begin there."""


@jit
def slots_of(b: Book, s: int, part: int) -> tuple[int, int]:
    """Slots of a series: part 0, on its value and its silence; part 1, on its other features."""
    start, end = (2 * s, 2 * s + 2) if part == 0 else (b.feature[s], b.feature[s + 1])
    return b.G[start, FIRST], b.G[end, FIRST]


@jit
def save(b: Book, s: int, generation: int) -> None:
    """Checkpoint: the state of a series after its newest reading judged."""
    for f in range(b.feature[s], b.feature[s + 1]):
        b.CF[f, generation, 0] = b.F[f, TOTAL]
        b.CF[f, generation, 1] = b.G[f, TAIL]
    for part in range(2):
        first, end = slots_of(b, s, part)
        for k in range(first, end):
            b.CZ[k, generation, 0] = b.Z[k, ON]
            b.CZ[k, generation, 1] = b.Z[k, SINCE]


@jit
def load(b: Book, s: int, generation: int) -> None:
    """Back to a checkpoint."""
    for f in range(b.feature[s], b.feature[s + 1]):
        b.F[f, TOTAL] = b.CF[f, generation, 0]
        b.G[f, TAIL] = b.CF[f, generation, 1]
    for part in range(2):
        first, end = slots_of(b, s, part)
        for k in range(first, end):
            b.Z[k, ON] = b.CZ[k, generation, 0]
            b.Z[k, SINCE] = b.CZ[k, generation, 1]


@jit
def age(b: Book, s: int) -> None:
    """Every checkpoint becomes the one before; the oldest is let go."""
    for g in range(GENERATIONS - 1):
        b.CP[s, g] = b.CP[s, g + 1]
        for f in range(b.feature[s], b.feature[s + 1]):
            b.CF[f, g, 0], b.CF[f, g, 1] = b.CF[f, g + 1, 0], b.CF[f, g + 1, 1]
        for part in range(2):
            first, end = slots_of(b, s, part)
            for k in range(first, end):
                b.CZ[k, g, 0], b.CZ[k, g, 1] = b.CZ[k, g + 1, 0], b.CZ[k, g + 1, 1]


@jit
def time_of(b: Book, s: int, p: int) -> int:
    """Event time of reading number `p`, −FAR before the first."""
    base, mask = slab(b.H[s, RING])
    at: int = b.R[base + ((p & mask) << LANES), TIME]
    return at if p >= 0 else -FAR


@jit
def again(b: Book, s: int, start: int, save_from: int, out: Ints) -> int:
    """Judge readings number `start` … of a series on the state that stands. Checkpoints of generation `save_from` and
    newer are made anew on the way. Returns the transitions written."""
    n, end = 0, b.H[s, HEAD] + 1
    for generation in range(save_from, GENERATIONS + 1):
        stop = end if generation == GENERATIONS else b.CP[s, generation] + 1
        if stop > start:
            _at, n, _why = walk(
                b.R, b.A, b.H, b.I, b.feature, b.F, b.G, b.Z, b.clock[0], b.due, b.due, b.due,
                b.due, start, stop, s, out, n, len(out),
            )  # fmt: skip
            start = stop
        if generation < GENERATIONS:
            save(b, s, generation)
    return n


@jit
def quiet_again(b: Book, s: int) -> None:
    """Bands, gap and next change of a series from its state, after it was judged again."""
    first, end = b.feature[s], b.feature[s + 1]
    t = b.H[s, LAST]
    for f in range(first, end):
        band(b.F, b.G, b.Z, f, t)
    band(b.F, b.G, b.Z, 2 * s, t)
    b.H[s, LOW], b.H[s, HIGH] = b.F[2 * s, FLOW], b.F[2 * s, FHIGH]
    gap = FAR
    for k in range(b.G[2 * s + 1, FIRST], b.G[2 * s + 2, FIRST]):
        gap = min(gap, b.Z[k, HOLD] if b.Z[k, ON] == 0 else -1)
    b.H[s, GAP] = gap
    b.H[s, NEXT] = next_turn(b.I, b.feature, b.G, b.Z, s, t)


@jit
def silent_now(b: Book, s: int, clock: int, out: Ints, n: int) -> int:
    """The clock stands at `clock`: is the series silent? A series that never spoke is not."""
    last, f = b.H[s, LAST], 2 * s + 1
    if last == -FAR:
        return n
    for k in range(b.G[f, FIRST], b.G[f + 1, FIRST]):
        span = b.Z[k, HOLD]
        if b.Z[k, ON] == 0 and clock > last + span:
            b.Z[k, ON] = 1
            b.H[s, GAP] = -1
            n = emit(out, n, k, UP, last + span, last, ADDED)
    return n


@jit
def rerun(b: Book, s: int, generation: int, newer: int, scratch: Ints) -> int:
    """Judge a series again from a checkpoint, making those of generation `newer` and later anew; writes its
    transitions, returns how many."""
    load(b, s, generation)
    n = again(b, s, b.CP[s, generation] + 1, newer, scratch)
    quiet_again(b, s)
    b.due[0] = -FAR  # it may have lost its newest reading
    return silent_now(b, s, b.clock[0], scratch, n)


@jit
def holds(rows: Ints, count: int, slot: int, up: int, true_at: int) -> bool:
    for r in range(count):  # noqa: SIM110  numba compiles no generator
        if rows[r, 0] == slot and rows[r, 1] == up and rows[r, 2] == true_at:
            return True
    return False


@jit
def differences(old: Ints, before: int, new: Ints, after: int, out: Ints, n: int) -> int:
    """What judging again took away and added."""
    for r in range(before):
        if not holds(new, after, old[r, 0], old[r, 1], old[r, 2]):
            n = emit(out, n, old[r, 0], old[r, 1], old[r, 2], old[r, 3], VANISHED)
    for r in range(after):
        if not holds(old, before, new[r, 0], new[r, 1], new[r, 2]):
            n = emit(out, n, new[r, 0], new[r, 1], new[r, 2], new[r, 3], REJUDGED)
    return n


@jit
def find(b: Book, s: int, t: int) -> int:
    """Number of the first kept reading that is not older than `t`."""
    base, mask = slab(b.H[s, RING])
    left: int = b.I[s, OLDEST]
    right: int = b.H[s, HEAD] + 1
    while left < right:
        middle = (left + right) // 2
        if b.R[base + ((middle & mask) << LANES), TIME] < t:
            left = middle + 1
        else:
            right = middle
    return left


@jit
def checkpoint_before(b: Book, s: int, t: int) -> int:
    """The newest generation whose readings are all older than `t`; −1 = none."""
    found = -1
    for generation in range(GENERATIONS):
        if time_of(b, s, b.CP[s, generation]) < t:
            found = generation
    return found


@jit
def shift(b: Book, s: int, p: int, by: int) -> None:
    """Make room before reading `p` (by +1), or close the gap that reading `p` leaves (by −1)."""
    base, mask = slab(b.H[s, RING])
    head = b.H[s, HEAD]
    step = 1 if by > 0 else -1
    start, stop = (head, p - 1) if by > 0 else (p + 1, head + 1)
    for i in range(start, stop, -step):
        here, there = base + ((i & mask) << LANES), base + (((i + step) & mask) << LANES)
        for c in range(2):
            b.R[there, c] = b.R[here, c]
            b.A[there, c] = b.A[here, c]
    b.H[s, HEAD] = head + by
    b.H[s, LAST] = time_of(b, s, head + by) if head + by >= b.I[s, OLDEST] else -FAR


@jit
def late(b: Book, s: int, t: int, v: int, horizon: int, old: Ints, new: Ints, out: Ints, n: int) -> int:
    """Put a late, repeated or withdrawn reading where it belongs and say what that adds and takes away."""
    start = checkpoint_before(b, s, t)
    if t < b.H[s, LAST] - horizon or start < 0:
        b.stale[0] += 1
        return n
    p = find(b, s, t)
    base, mask = slab(b.H[s, RING])
    row = base + ((p & mask) << LANES)
    same = p <= b.H[s, HEAD] and b.R[row, TIME] == t
    if (same and b.R[row, WORTH] == v) or (v == VOID and not same):
        return n
    before = rerun(b, s, start, GENERATIONS, old)
    moved = 0 if same and v != VOID else -1 if same else 1
    if moved != 0:
        shift(b, s, p, moved)
    if v != VOID:
        b.R[row, TIME], b.R[row, WORTH], b.A[row, MARK] = t, v, FINE
    for generation in range(start + 1, GENERATIONS):
        b.CP[s, generation] += moved
    after = rerun(b, s, start, start + 1, new)
    return differences(old, before, new, after, out, n)


@jit
def release(b: Book, s: int, old: Ints, new: Ints, out: Ints, n: int) -> int:
    """Somebody bears out the newest reading of a series that the screen holds: judge it now."""
    base, mask = slab(b.H[s, RING])
    head = b.H[s, HEAD]
    row = base + ((head & mask) << LANES)
    if head < b.I[s, OLDEST] or b.A[row, MARK] != APART:
        return n
    start = checkpoint_before(b, s, b.R[row, TIME])
    before = rerun(b, s, start, GENERATIONS, old)
    b.A[row, MARK] = RELEASED
    after = rerun(b, s, start, start + 1, new)
    return differences(old, before, new, after, out, n)


@jit
def catch_up(b: Book, s: int) -> None:
    """Bring the ends of windows, which wait while nothing happens, to where they belong."""
    base, mask = slab(b.H[s, RING])
    t, odd = b.H[s, LAST], b.H[s, RING] & ODD
    for f in range(b.feature[s], b.feature[s + 1]):
        kind, edge = b.F[f, KIND], t - b.G[f, SPAN]
        if kind == SUM and b.F[f, TOTAL] != 0:
            b.F[f, TOTAL], b.G[f, TAIL] = window(b.R, b.A, base, mask, odd, b.G[f, TAIL], edge, b.F[f, TOTAL])
        elif kind == SUM:  # nothing was added since the tail
            b.G[f, TAIL] = max(b.G[f, TAIL], find(b, s, edge + 1))
        elif kind in (RISE, AHEAD):
            b.G[f, TAIL] = max(b.G[f, TAIL], find(b, s, edge + 1) - 1)
            if kind == RISE:
                b.F[f, TOTAL] = lowest(b.R, base, mask, b.G[f, TAIL], b.H[s, HEAD], b.I[s, OLDEST])


@jit
def checkpoint(b: Book, s: int, horizon: int) -> None:
    """A new checkpoint where the last is old enough; readings that no checkpoint's window can reach are let go."""
    head = b.H[s, HEAD]
    newest = b.CP[s, GENERATIONS - 1]
    if head >= 0 and time_of(b, s, head) - time_of(b, s, newest) >= horizon // (GENERATIONS - 1) + 1:
        catch_up(b, s)
        age(b, s)
        save(b, s, GENERATIONS - 1)
        b.CP[s, GENERATIONS - 1] = head
        let_go(b, s)


@jit
def let_go(b: Book, s: int) -> None:
    """Forget what the window of no checkpoint reaches any more."""
    settled = b.CP[s, 0]
    if settled >= 0:
        reached = find(b, s, time_of(b, s, settled) - b.I[s, WINDOW] + 1)
        b.I[s, OLDEST] = max(b.I[s, OLDEST], min(reached, settled) - SPARE)


@jit
def care(b: Book, s: int, horizon: int) -> bool:
    """What a series wants now and then: a checkpoint, and a ring of twice the size where its own is nearly full. False:
    R is too short for that."""
    checkpoint(b, s, horizon)
    head, oldest = b.H[s, HEAD], b.I[s, OLDEST]
    _base, mask = slab(b.H[s, RING])
    if head + 1 - oldest > mask - b.I[s, EVERY] - 1:
        if not grow(b, s):
            return False
        mask = 2 * mask + 1
    b.H[s, CARE] = min(head + 1 + max(b.I[s, EVERY], until_checkpoint(b, s, horizon)), oldest + mask)
    return True


@jit
def until_checkpoint(b: Book, s: int, horizon: int) -> int:
    """About how many readings it is to the next checkpoint, at the pace of those that are kept."""
    head, oldest = b.H[s, HEAD], b.I[s, OLDEST]
    if head <= oldest:
        return 0
    pace = max(1, (time_of(b, s, head) - time_of(b, s, oldest)) // (head - oldest))
    left = time_of(b, s, b.CP[s, GENERATIONS - 1]) + horizon // (GENERATIONS - 1) + 1 - time_of(b, s, head)
    readings: int = max(0, left // pace + 1)
    return readings


@jit
def grow(b: Book, s: int) -> bool:
    """Rings of twice the size for a series and its neighbours. False: R is too short."""
    lanes = 1 << LANES
    first = s // lanes * lanes
    base, mask = slab(b.H[first, RING])
    cap, used = 2 * (mask + 1), b.used[0]
    if used + cap * lanes + APART_BY > len(b.R):
        return False
    for lane in range(min(lanes, len(b.H) - first)):
        m = first + lane
        for p in range(b.I[m, OLDEST], b.H[m, HEAD] + 1):
            here, there = base + lane + ((p & mask) << LANES), used + lane + ((p & (cap - 1)) << LANES)
            for c in range(2):
                b.R[there, c] = b.R[here, c]
                if b.H[m, RING] & ODD:
                    b.A[there, c] = b.A[here, c]
        b.H[m, RING] = ((used + lane) << 8) | (b.H[m, RING] & ODD) | ((b.H[m, RING] & 63) + 1)
        b.I[m, EVERY] = cap * 3 // 64
        b.H[m, CARE] = min(b.H[m, CARE], b.H[m, HEAD] + 1 + b.I[m, EVERY])
    b.used[0] = used + cap * lanes + APART_BY
    return True


@jit
def ingest(
    b: Book, S: Ints, T: Ints, V: Ints, start: int, horizon: int, old: Ints, new: Ints, out: Ints, n: int, most: int
) -> tuple[int, int, int]:
    """Take readings from `start` on. Returns (next reading, transitions written, why it stopped). most: transitions
    that one reading can make.

    What comes in order, which is nearly all, stays inside `walk`.
    """
    a = start
    while True:
        a, n, why = walk(
            b.R, b.A, b.H, b.I, b.feature, b.F, b.G, b.Z, b.clock[0], S, T, V,
            b.due, a, len(S), -1, out, n, len(out) - most,
        )  # fmt: skip
        if why in (DONE, OUT_FULL):
            return a, n, why
        s = S[a]
        if why == CARE_DUE or b.H[s, HEAD] + 1 >= b.H[s, CARE]:
            if not care(b, s, horizon):
                return a, n, CARE_DUE
            continue
        if why == LATE:
            worst = most * (b.H[s, HEAD] + 3 - b.I[s, OLDEST])
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
    if now <= b.due[0]:
        return n
    due = FAR
    H = b.H
    for s in range(len(H)):
        last, gap = H[s, LAST], H[s, GAP]
        if last > -FAR and gap < FAR:
            if gap < 0 or now > last + gap:
                n = silent_now(b, s, now, out, n)
                for k in range(b.G[2 * s + 1, FIRST], b.G[2 * s + 2, FIRST]):
                    if b.Z[k, ON] == 0:
                        due = min(due, last + b.Z[k, HOLD])
            else:
                due = min(due, last + gap)
    b.due[0] = due
    return n
