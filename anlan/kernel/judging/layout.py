"""The kernel's memory: what stands in which column of which array. Never: judging.

A *series* owns a ring of readings (R: event time, value) and a row of H. A *feature* is a number that is worked out at
each reading of a series (its value, a sliding sum, a rise …): a row of F. A *slot* is one limit on one feature: a row
of Z. Rows are one cache line (eight 64-bit integers), because waiting for memory is most of what judging costs.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# Arrays of int64. Inside compiled functions an element is a plain integer, which no stub of numpy can say.
Ints = npt.NDArray[Any]

FAR = 1 << 60
"""Later, or more, than anything real; −FAR is earlier or less."""
VOID = -(1 << 62)
"""As a value: the reading of that time is withdrawn."""

# H, a series. LAST: newest event time, −FAR = none. HEAD: number of its newest reading. CARE: at this number the ring
# wants care. RING: where its ring begins, ODD, and its size, see core.slab. GAP: silence begins when no reading came
# for longer, FAR = never; −1 while one is on. NEXT: the event time at which a limit comes into force or goes out of it;
# −FAR: judge every reading in full. LOW, HIGH: no limit on the plain value changes while LOW ≤ value < HIGH.
LAST, HEAD, CARE, RING, GAP, NEXT, LOW, HIGH = range(8)

# I, what is seldom needed of a series. COUNTER, MODULUS, MOST: see operators.increment. SPIKE: largest believable step
# from one reading to the next, FAR = any. WINDOW: how far back a feature reaches, ms. OLDEST: number of the oldest
# reading kept. EVERY: readings between two cares.
COUNTER, MODULUS, MOST, SPIKE, WINDOW, OLDEST, EVERY, _FREE = range(8)

# F, what is looked at of a feature at each reading. KIND: operators.VALUE …. TOTAL: its running number. FLOW, FHIGH: no
# slot of it changes while FLOW ≤ number < FHIGH.
KIND, TOTAL, FLOW, FHIGH = range(4)

# G, what is looked at where that is not enough. SPAN, EXTRA: its own lengths in ms. TAIL: number of the reading at the
# far end of its span. FIRST: its first slot, the last is before the first of the next row. Rows 2s and 2s + 1 of F and
# G are value and silence of series s; its other features are rows feature[s] … feature[s + 1].
SPAN, EXTRA, TAIL, FIRST = range(4)

# Z, a slot. RAISE, CLEAR: limits. HOLD: how long the number must stand over the limit; for silence its length. SIGN: +1
# judged upwards, −1 downwards (the limits are then negated). FROM, TO: in force while FROM ≤ event time < TO. ON: 1
# while raised. SINCE: when the number first stood over the limit, −1 = it does not.
RAISE, CLEAR, HOLD, SIGN, FROM, TO, ON, SINCE = range(8)

# R, a reading. TIME: event time. WORTH: its value.
TIME, WORTH = range(2)

# A, what else is known of it, only for ODD series. ADDS: what it adds to sums. MARK: see below.
ADDS, MARK = range(2)
FINE, APART, RELEASED = range(3)
"""Marks. APART: held by the screen for spikes, or rejected by it. RELEASED: somebody else bears it out."""

LANES = 3
"""The rings of 2^LANES neighbouring series are woven: what they say at the same time lies side by side in memory."""

APART_BY = 8
"""Rows between two weaves. Series that report together stand at the same place of their rings; if these places were a
power of two apart, they would all fall on the same few lines of the processor's caches."""

ODD = 64
"""In RING: the series counts up, or is screened for spikes, so that A says what its readings add."""

GENERATIONS = 7
"""Checkpoints of a series. The oldest is older than the horizon, the others a sixth of a horizon apart."""


class Book(NamedTuple):
    """All state. R, A: readings. H, I: series. feature: first row of F of each series. F, G: features, Z: slots.

    CP, CF, CZ: checkpoints of series, features and slots by generation, the newest last: number of the last reading
    judged (−1 = none), and what F, G and Z held then.
    clock: the latest tick. stale: readings behind the horizon. used: rows of R given out. due: no series falls silent
    before.
    """

    R: Ints
    A: Ints
    H: Ints
    I: Ints  # noqa: E741
    feature: Ints
    F: Ints
    G: Ints
    Z: Ints
    CP: Ints
    CF: Ints
    CZ: Ints
    clock: Ints
    stale: Ints
    used: Ints
    due: Ints


def rows(count: int, columns: int = 8) -> Ints:
    """Rows of zeros that begin on a cache line."""
    space = np.zeros(count * columns + 8, np.int64)
    offset = -(space.ctypes.data // 8) % 8
    aligned: Ints = space[offset : offset + count * columns].reshape(count, columns)
    return aligned


SMALLEST = 6
"""log2 of the smallest ring."""


def rings(held: Ints) -> tuple[Ints, Ints, int]:
    """Rings for series that hold so many readings each, with some to spare: RING of each without ODD, log2 of its size,
    and how many rows of R all of them take. Neighbours in one weave have rings of one size."""
    count, lanes = len(held), 1 << LANES
    weaves = -(-count // lanes)
    most = np.zeros(weaves * lanes, np.int64)
    most[:count] = held
    wanted = most.reshape(weaves, lanes).max(1, initial=0) * 9 // 8 + 8
    bits = np.maximum(np.ceil(np.log2(wanted)).astype(np.int64), SMALLEST)
    width = (1 << bits) * lanes + APART_BY
    start = np.cumsum(width) - width
    number = np.arange(count)
    size = bits[number // lanes]
    return (start[number // lanes] + number % lanes) << 8 | size, size, max(1, int(width.sum()))
