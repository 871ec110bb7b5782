"""The rule operators: one step function each, for one slot and one reading in order of event time.

A slot is one limit of one series. Its parameters are a row of `P`: 0 raise, 1 clear, 2 span in ms, 3 sign (+1 above,
-1 below). Its state is a row of `Z`: 0 on, 1 the operator's own number, 2 index of the oldest reading inside its
window, 3 free. Values are integers in the series' own fixed point (rain: hundredths of a millimetre).

Step functions take and return plain numbers: an array handed over would be counted as a reference for each reading,
which costs fifty times the arithmetic. `core.walk` loads, stores and writes what they say.
A next operator is one `…_step` here, its line in OPERATORS and its loop in `core.walk`.
"""

from typing import Any, NamedTuple

import numpy.typing as npt

from anlan.kernel.judging.jit import jit

# Arrays of int64. Inside compiled functions an element is a plain integer, which no stub of numpy can say.
Ints = npt.NDArray[Any]

RAISE, CLEAR, SPAN, SIGN = range(4)
ON, AUX, TAIL = range(3)
ADDED, REJUDGED, VANISHED = range(3)  # the last column of a transition
QUIET, DOWN, UP, BOTH, NEVER = -1, 0, 1, 2, 3  # what a step says


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
def increment(value: int, before: int, first: bool, counter: int, modulus: int, most: int) -> int:
    """What a reading adds to a sum: itself, or its distance from the reading before it where it is a counter.

    A counter that fell has rolled over at `modulus` where that gives a believable step, else begun again at zero; a
    step over `most` is no rain (another device, a bad word). The first reading of all adds nothing.
    """
    if counter == 0:
        return value
    if first:
        return 0
    step = value - before
    if step < 0:
        step = step + modulus if 0 < step + modulus <= most and modulus > 0 else value
    return step if step <= most else 0


@jit
def limit_step(
    t: int, value: int, raise_at: int, clear_at: int, span: int, on: int, since: int
) -> tuple[int, int, int]:
    """Raised by a reading that ends `span` of readings all at or over the limit; cleared by one under `clear_at`.

    value: already times the sign. since: when the value first stood over the limit, -1 = it does not. Returns the new
    on and since, and QUIET, DOWN or UP.
    """
    if value >= raise_at:
        if since < 0:
            since = t
        if on == 0 and t - since >= span:
            return 1, since, UP
        return on, since, QUIET
    if on == 1 and value < clear_at:
        return 0, -1, DOWN
    return on, -1, QUIET


@jit
def sum_step(total: int, raise_at: int, clear_at: int, on: int) -> int:
    """Raised when the sum over (t - span, t] reaches the limit, cleared when it falls under the clear limit."""
    if on == 0:
        return UP if total >= raise_at else QUIET
    return DOWN if total < clear_at else QUIET


@jit
def silence_step(t: int, before: int, span: int, on: int) -> int:
    """A gap longer than the span was a silence from last reading + span until this reading.

    Returns QUIET, DOWN (it ends), BOTH (nobody had seen it: it began and ends), or NEVER: the clock had passed the
    limit, but the reading that ends the silence was measured before it, so there was none.
    """
    if t > before + span:
        return DOWN if on == 1 else BOTH
    return NEVER if on == 1 else QUIET
