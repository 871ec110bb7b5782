"""The rule operators: one step function each, working on one slot and one reading in order of event time.

A slot is one limit of one series. Its parameters are a row of `P`: 0 raise, 1 clear, 2 span in ms, 3 sign (+1 above,
-1 below). Its state is a row of `Z`: 0 on, 1 the operator's own number, 2 index of the oldest reading inside its
window, 3 free. Values are integers in the series' own fixed point (rain: hundredths of a millimetre).

A next operator is one `…_step` here, its line in OPERATORS and three lines in `core.py`.
"""

from typing import Any, NamedTuple

import numpy.typing as npt

from anlan.kernel.judging.jit import jit

# Arrays of int64. Inside compiled functions an element is a plain integer, which no stub of numpy can say.
Ints = npt.NDArray[Any]

RAISE, CLEAR, SPAN, SIGN = range(4)
ON, AUX, TAIL = range(3)
ADDED, REJUDGED, VANISHED = range(3)  # the last column of a transition


class Operator(NamedTuple):
    """An operator's code (its row in `first`) and what its span means."""

    code: int
    span: str


OPERATORS: dict[str, Operator] = {
    "limit": Operator(0, "hold: the value must stand at or over the limit this long; 0 = at once"),
    "sum": Operator(1, "window: readings in (t - span, t] are added up"),
    "silence": Operator(2, "limit: silent when the clock passes last reading + span"),
}
LIMIT, SUM, SILENCE = 0, 1, 2


@jit
def emit(out: Ints, n: int, slot: int, up: int, true_at: int, value: int, change: int) -> int:
    """Write one transition; returns the new count."""
    out[n, 0] = slot
    out[n, 1] = up
    out[n, 2] = true_at
    out[n, 3] = value
    out[n, 4] = change
    return n + 1


@jit
def increment(V: Ints, i: int, lo: int, counter: int, modulus: int, most: int) -> int:
    """What reading i adds to a sum: itself, or its distance from the reading before it where it is a counter.

    A counter that fell has rolled over at `modulus` where that gives a believable step, else begun again at zero; a
    step over `most` is no rain (another device, a bad word). The first reading of all adds nothing.
    """
    step: int = V[i]
    if counter == 0:
        return step
    if i <= lo:
        return 0
    step -= V[i - 1]
    if step < 0:
        step = step + modulus if 0 < step + modulus <= most and modulus > 0 else V[i]
    return step if step <= most else 0


@jit
def limit_step(T: Ints, V: Ints, i: int, P: Ints, Z: Ints, k: int, out: Ints, n: int) -> int:
    """Raised by a reading that ends `span` of readings all at or over the limit; cleared by one under `clear`."""
    value = V[i] * P[k, SIGN]
    if value >= P[k, RAISE]:
        if Z[k, AUX] < 0:
            Z[k, AUX] = T[i]
        if Z[k, ON] == 0 and T[i] - Z[k, AUX] >= P[k, SPAN]:
            Z[k, ON] = 1
            return emit(out, n, k, 1, T[i], V[i], ADDED)
        return n
    Z[k, AUX] = -1
    if Z[k, ON] == 1 and value < P[k, CLEAR]:
        Z[k, ON] = 0
        return emit(out, n, k, 0, T[i], V[i], ADDED)
    return n


@jit
def sum_step(
    T: Ints,
    V: Ints,
    i: int,
    lo: int,
    counter: int,
    modulus: int,
    most: int,
    P: Ints,
    Z: Ints,
    k: int,
    out: Ints,
    n: int,
) -> int:
    """Raised when the sum over (t - span, t] reaches the limit, cleared when it falls under the clear limit."""
    total = Z[k, AUX] + increment(V, i, lo, counter, modulus, most)
    tail = Z[k, TAIL]
    edge = T[i] - P[k, SPAN]
    while T[tail] <= edge:
        total -= increment(V, tail, lo, counter, modulus, most)
        tail += 1
    Z[k, AUX] = total
    Z[k, TAIL] = tail
    if Z[k, ON] == 0:
        if total >= P[k, RAISE]:
            Z[k, ON] = 1
            return emit(out, n, k, 1, T[i], total, ADDED)
    elif total < P[k, CLEAR]:
        Z[k, ON] = 0
        return emit(out, n, k, 0, T[i], total, ADDED)
    return n


@jit
def silence_step(T: Ints, i: int, lo: int, P: Ints, Z: Ints, k: int, out: Ints, n: int) -> int:
    """A gap longer than the span was a silence from last reading + span until this reading."""
    if i <= lo:
        return n
    since = T[i - 1] + P[k, SPAN]
    if T[i] > since:
        if Z[k, ON] == 0:
            n = emit(out, n, k, 1, since, T[i - 1], ADDED)
        Z[k, ON] = 0
        return emit(out, n, k, 0, T[i], T[i], ADDED)
    if Z[k, ON] == 1:
        # The clock had passed the limit, but the reading that ends the silence was measured before it: there was none.
        Z[k, ON] = 0
        return emit(out, n, k, 1, since, T[i - 1], VANISHED)
    return n


@jit
def silence_finish(T: Ints, last: int, clock: int, P: Ints, Z: Ints, k: int, out: Ints, n: int, change: int) -> int:
    """The clock stands at `clock`: is the series silent now?"""
    since = T[last] + P[k, SPAN]
    if Z[k, ON] == 0 and clock > since:
        Z[k, ON] = 1
        return emit(out, n, k, 1, since, T[last], change)
    return n
