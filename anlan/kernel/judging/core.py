"""The compiled hot loop: readings of a batch, or of a series once more, through every feature and slot.

Nearly every reading changes nothing. So each series and feature knows the band in which nothing changes, and the loop
only follows the running numbers while they stay inside. Never: objects, allocation inside the loop.
"""

import numpy as np

from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.layout import (
    ADDS,
    APART,
    CARE,
    CLEAR,
    COUNTER,
    EXTRA,
    FAR,
    FHIGH,
    FINE,
    FIRST,
    FLOW,
    FROM,
    GAP,
    HEAD,
    HIGH,
    HOLD,
    KIND,
    LANES,
    LAST,
    LOW,
    MARK,
    MODULUS,
    MOST,
    NEXT,
    ODD,
    OLDEST,
    ON,
    RAISE,
    RELEASED,
    RING,
    SIGN,
    SINCE,
    SPAN,
    SPIKE,
    TAIL,
    TIME,
    TO,
    TOTAL,
    VOID,
    WORTH,
    Ints,
)
from anlan.kernel.judging.operators import (
    ADDED,
    BOTH,
    DOWN,
    NEVER,
    QUIET,
    RISE,
    SCREEN,
    SUM,
    UNCHANGED,
    UP,
    VANISHED,
    emit,
    increment,
    quiet_band,
    silence_step,
    threshold,
)
from anlan.kernel.judging.prefetch import address, touch

DONE, OUT_FULL, CARE_DUE, SCRATCH_FULL, LATE = range(5)
FAR_AHEAD, NEAR = 24, 12
"""How many readings before its turn a series, then its ring and its features, are asked for."""


@jit
def slab(ring: int) -> tuple[int, int]:
    """Where the ring of a series begins in R, and the mask of its size, a power of two. Reading number p stands in row
    base + ((p & mask) << LANES)."""
    return ring >> 8, (1 << (ring & 63)) - 1


@jit
def band(F: Ints, G: Ints, Z: Ints, f: int, t: int) -> None:
    """Work out anew between which numbers no slot of a feature changes, for slots in force at `t`."""
    low, high = -FAR, FAR
    for k in range(G[f, FIRST], G[f + 1, FIRST]):
        if Z[k, FROM] <= t < Z[k, TO]:
            least, most = quiet_band(Z[k, RAISE], Z[k, CLEAR], Z[k, SIGN], Z[k, ON], Z[k, SINCE])
            low, high = max(low, least), min(high, most)
        elif Z[k, ON] == 1:
            low, high = FAR, -FAR
    F[f, FLOW] = low
    F[f, FHIGH] = high


@jit
def judge_slots(F: Ints, G: Ints, Z: Ints, f: int, t: int, number: int, out: Ints, n: int) -> int:
    """A feature's number at a reading before all its slots. A slot that is not in force is not on."""
    for k in range(G[f, FIRST], G[f + 1, FIRST]):
        if Z[k, FROM] <= t < Z[k, TO]:
            on, since, said = threshold(
                t, number * Z[k, SIGN], Z[k, RAISE], Z[k, CLEAR], Z[k, HOLD], Z[k, ON], Z[k, SINCE]
            )
        else:
            on, since, said = 0, -1, DOWN if Z[k, ON] == 1 else QUIET
        Z[k, ON] = on
        Z[k, SINCE] = since
        if said != QUIET:
            n = emit(out, n, k, said, t, number, ADDED)
    band(F, G, Z, f, t)
    return n


@jit
def next_change(G: Ints, Z: Ints, first: int, last: int, t: int) -> int:
    """The first time after `t` at which a slot of features [first, last) comes into force or goes out of it."""
    at = FAR
    for k in range(G[first, FIRST], G[last, FIRST]):
        if t < Z[k, FROM] < at:
            at = Z[k, FROM]
        if t < Z[k, TO] < at:
            at = Z[k, TO]
    return at


@jit
def next_turn(I: Ints, feature: Ints, G: Ints, Z: Ints, s: int, t: int) -> int:  # noqa: E741
    """The event time from which on a reading must be judged in full: at once where there is a screen for spikes."""
    if I[s, SPIKE] < FAR:
        return -FAR
    return min(next_change(G, Z, 2 * s, 2 * s + 2, t), next_change(G, Z, feature[s], feature[s + 1], t))


@jit
def judge_gap(
    H: Ints, G: Ints, Z: Ints, due: Ints, s: int, f: int, t: int, last: int, clock: int, out: Ints, n: int
) -> int:  # fmt: skip
    """Silence, at a reading that follows one of `last` (−FAR: none). clock: where that is beyond the limit already, the
    series is silent again; −FAR: not asked."""
    gap = FAR
    for k in range(G[f, FIRST], G[f + 1, FIRST]):
        span = Z[k, HOLD]
        if last > -FAR:
            said = silence_step(t, last, span, Z[k, ON])
            if said == BOTH:
                n = emit(out, n, k, UP, last + span, last, ADDED)
            if said == NEVER:
                n = emit(out, n, k, UP, last + span, last, VANISHED)
            elif said != QUIET:
                n = emit(out, n, k, DOWN, t, t, ADDED)
            Z[k, ON] = 0
        if clock > t + span:
            Z[k, ON] = 1
            n = emit(out, n, k, UP, t + span, t, ADDED)
        gap = min(gap, span if Z[k, ON] == 0 else -1)
    H[s, GAP] = gap
    due[0] = min(due[0], t + gap)
    return n


@jit
def accepted(A: Ints, I: Ints, s: int, base: int, mask: int, p: int) -> int:  # noqa: E741
    """The newest reading up to number `p` that the screen for spikes lets count; −1 = none that is kept."""
    while p >= I[s, OLDEST] and A[base + ((p & mask) << LANES), MARK] == APART:
        p -= 1
    return p if p >= I[s, OLDEST] else -1


@jit
def addition(R: Ints, A: Ints, I: Ints, s: int, base: int, mask: int, p: int) -> int:  # noqa: E741
    """What reading `p` adds to sums, for a series that counts up or is screened."""
    value: int = R[base + ((p & mask) << LANES), WORTH]
    if I[s, COUNTER] == 0:
        return max(value, 0)
    before = accepted(A, I, s, base, mask, p - 1)
    return 0 if before < 0 else increment(value, R[base + ((before & mask) << LANES), WORTH], I[s, MODULUS], I[s, MOST])


@jit
def counted(R: Ints, A: Ints, I: Ints, s: int, base: int, mask: int, p: int) -> tuple[int, int, int]:  # noqa: E741
    """Time and value of reading `p` of an odd series, and what it adds, which is kept beside it."""
    row = base + ((p & mask) << LANES)
    adds = addition(R, A, I, s, base, mask, p)
    A[row, ADDS] = adds
    return R[row, TIME], R[row, WORTH], adds


@jit
def window(R: Ints, A: Ints, base: int, mask: int, odd: int, tail: int, edge: int, total: int) -> tuple[int, int]:
    """A sum from reading `tail` on, without what is not newer than `edge`; and where it then begins."""
    row = base + ((tail & mask) << LANES)
    while R[row, TIME] <= edge:
        total -= A[row, ADDS] if odd else max(R[row, WORTH], 0)
        tail += 1
        row = base + ((tail & mask) << LANES)
    return total, tail


@jit
def earlier(R: Ints, base: int, mask: int, tail: int, p: int, edge: int) -> int:
    """The newest reading up to `p` that is not newer than `edge`, from the one that was it before."""
    while tail < p and R[base + (((tail + 1) & mask) << LANES), TIME] <= edge:
        tail += 1
    return tail


@jit
def lowest(R: Ints, base: int, mask: int, tail: int, p: int, oldest: int) -> int:
    """The least value of readings `tail` … `p`."""
    least = FAR
    for q in range(max(tail, oldest), p + 1):
        least = min(least, R[base + ((q & mask) << LANES), WORTH])
    return least


@jit
def ask_ahead(h_at: int, r_at: int, f_at: int, H: Ints, feature: Ints, far: int, near: int) -> None:
    """Memory that will be wanted: the series `far`, then the ring and the features of the series `near`."""
    touch(h_at + (far << 6))
    base, mask = slab(H[near, RING])
    touch(r_at + ((base + (((H[near, HEAD] + 1) & mask) << LANES)) << 4))
    for f in range(feature[near], feature[near + 1]):
        touch(f_at + (f << 5))


@jit
def work_out(
    R: Ints, A: Ints, I: Ints, F: Ints, G: Ints, s: int, f: int, base: int, mask: int, odd: int, p: int, t: int, v: int  # noqa: E741
) -> tuple[bool, int]:  # fmt: skip
    """A feature's exact number at reading `p`; False where there is none, because what it is compared with is missing.

    TOTAL of a sum and of a rise already know of the reading.
    """
    kind, edge = F[f, KIND], t - G[f, SPAN]
    if kind == SUM:
        F[f, TOTAL], G[f, TAIL] = window(R, A, base, mask, odd, G[f, TAIL], edge, F[f, TOTAL])
        return True, F[f, TOTAL]
    if kind == UNCHANGED:
        # TAIL is here the time since which the value TOTAL has stood.
        if G[f, TAIL] < 0 or v != F[f, TOTAL]:
            F[f, TOTAL], G[f, TAIL] = v, t
        return True, t - G[f, TAIL]
    tail = earlier(R, base, mask, G[f, TAIL], p, edge)
    G[f, TAIL] = tail
    if kind == RISE:
        F[f, TOTAL] = lowest(R, base, mask, tail, p, I[s, OLDEST])
    before = accepted(A, I, s, base, mask, tail) if odd else tail
    row = base + ((before & mask) << LANES)
    slack = G[f, EXTRA] if kind == RISE else G[f, SPAN]
    if before < 0 or R[row, TIME] < edge - slack:
        return False, 0
    rise = v - R[row, WORTH]
    return True, rise if kind == RISE else v + max(0, rise) * G[f, EXTRA] // (t - R[row, TIME])


@jit
def walk(
    R: Ints, A: Ints, H: Ints, I: Ints, feature: Ints, F: Ints, G: Ints, Z: Ints, clock: int,  # noqa: E741
    S: Ints, at: Ints, value: Ints, due: Ints, start: int, stop: int, only: int,
    out: Ints, n: int, room: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Readings through every feature of their series. Returns (where it stopped, transitions written, why).

    only < 0: new readings [start, stop) of the batch S, at, value; the first that is not newer than its series ends it
    (LATE). only >= 0: readings number [start, stop) of that one series again, all in full. room: the most transitions
    that `out` may hold before a reading is begun. Memory is asked for some readings ahead, also where series come in
    order: the processor's own foresight does not see through rings. Indices are unsigned where it is hottest: a signed
    one is looked at for being negative.
    """
    h_at, r_at, f_at = address(H), address(R), address(F)
    for a in range(start, stop):
        if only < 0:
            if a + FAR_AHEAD < stop:
                ask_ahead(h_at, r_at, f_at, H, feature, S[a + FAR_AHEAD], S[a + NEAR])
            s, t, v = S[a], at[a], value[a]
            h = np.uintp(s)
            last, p, ring = H[h, LAST], H[h, HEAD] + 1, H[h, RING]
            if t <= last:
                return a, n, LATE
            if p >= H[h, CARE]:
                return a, n, CARE_DUE
            if n > room:
                return a, n, OUT_FULL
            base, mask = slab(ring)
            here = np.uintp(base + ((p & mask) << LANES))
            R[here, TIME] = t
            R[here, WORTH] = v
            H[h, HEAD] = p
            H[h, LAST] = t
            full = t >= H[h, NEXT]
            first, end = feature[h], feature[np.uintp(s + 1)]
            if t - last > H[h, GAP] or clock - t > H[h, GAP]:
                n = judge_gap(H, G, Z, due, s, 2 * s + 1, t, last, clock, out, n)
            if ring & ODD:
                A[here, MARK] = FINE
        else:
            s, p, full, h, ring = only, a, True, np.uintp(only), H[only, RING]
            base, mask = slab(ring)
            row = base + ((p & mask) << LANES)
            t, v = R[row, TIME], R[row, WORTH]
            last = R[base + (((p - 1) & mask) << LANES), TIME] if p > I[s, OLDEST] else -FAR
            first, end = feature[s], feature[s + 1]
            n = judge_gap(H, G, Z, due, s, 2 * s + 1, t, last, -FAR, out, n)
        begin = finish = p
        odd = ring & ODD
        if full:
            if only < 0:
                H[s, NEXT] = next_turn(I, feature, G, Z, s, t)
            if first < end and F[first, KIND] == SCREEN:
                n, begin, finish = screen(R, A, I, F, G, Z, s, first, base, mask, p, out, n)
        for j in range(begin, finish + 1):
            adds = max(v, 0)
            if odd:
                t, v, adds = counted(R, A, I, s, base, mask, j)
            if v < H[h, LOW] or v >= H[h, HIGH] or full:
                n = judge_slots(F, G, Z, 2 * s, t, v, out, n)
                H[h, LOW] = F[2 * s, FLOW]
                H[h, HIGH] = F[2 * s, FHIGH]
            for f in range(first, end):
                g = np.uintp(f)
                kind, quiet, high = F[g, KIND], F[g, FLOW] == -FAR and not full, F[g, FHIGH]
                if kind == SUM:
                    # Until what has left the window is taken off, this is too much: enough to know that nothing rises.
                    number = F[g, TOTAL] + adds
                    F[g, TOTAL] = number
                    if number < high and quiet:
                        continue
                elif kind == RISE:
                    # The least value since the tail: against any earlier one the rise is not greater.
                    least = min(F[g, TOTAL], v)
                    F[g, TOTAL] = least
                    if v - least < high and quiet:
                        continue
                elif kind == SCREEN:
                    continue
                known, number = work_out(R, A, I, F, G, s, f, base, mask, odd, j, t, v)
                if not known:
                    if full:  # what came into force now is looked at when there is a number again
                        F[g, FLOW], F[g, FHIGH] = FAR, -FAR
                    continue
                if number < F[g, FLOW] or number >= high or full:
                    n = judge_slots(F, G, Z, f, t, number, out, n)
    return stop, n, DONE


@jit
def screen(
    R: Ints,
    A: Ints,
    I: Ints,  # noqa: E741
    F: Ints,
    G: Ints,
    Z: Ints,
    s: int,
    f: int,
    base: int,
    mask: int,
    p: int,
    out: Ints,
    n: int,
) -> tuple[int, int, int]:
    """The screen for spikes at reading `p`. Returns transitions written, and the first and last reading that are to be
    judged now: the held one before `p` where `p` bears it out, `p` unless it is held itself; none where last < first.

    TOTAL of the feature: the last accepted value, VOID = none yet. TAIL: the held reading, −1 = none.
    """
    row = base + ((p & mask) << LANES)
    v, begin, held = R[row, WORTH], p, G[f, TAIL]
    if F[f, TOTAL] == VOID:
        F[f, TOTAL] = v
    if held >= 0:
        before = base + ((held & mask) << LANES)
        kept = R[before, WORTH]
        if abs(v - kept) <= abs(v - F[f, TOTAL]):
            A[before, MARK] = FINE
            F[f, TOTAL] = kept
            begin = held
        else:  # it may have been let count when it was judged before
            A[before, MARK] = APART
            A[before, ADDS] = 0
        G[f, TAIL] = -1
    step = abs(v - F[f, TOTAL])
    n = judge_slots(F, G, Z, f, R[row, TIME], step, out, n)
    if step > I[s, SPIKE] and A[row, MARK] != RELEASED:
        A[row, MARK] = APART
        A[row, ADDS] = 0
        G[f, TAIL] = p
        return n, begin, p - 1
    if A[row, MARK] == APART:  # as it was held when it was judged before
        A[row, MARK] = FINE
    F[f, TOTAL] = v
    return n, begin, p
