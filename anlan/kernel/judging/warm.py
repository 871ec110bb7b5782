"""Compile, or load from the cache, everything that the kernel will ever call: `python -m anlan.kernel.judging.warm`.

Setting up does it once, and a gateway before it opens its ports: half a minute of compiling must not fall into the
first batch of a storm.
"""

from anlan.kernel.judging.cases import Combination, Group
from anlan.kernel.judging.kernel import HORIZON_MS, Kernel, SeriesSpec, SlotSpec
from anlan.kernel.judging.operators import OPERATORS

MINUTE = 60_000
START = 1_780_000_000_000


def columns(rows: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    """Rows of series, time, value as columns."""
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def warm() -> None:
    """Every path once on a few readings."""
    series = [SeriesSpec(0), SeriesSpec(1, counter=True, modulus=1000, most=500, spike=50)]
    slots = [
        SlotSpec(s, name, 10, 5, MINUTE, s, 1 + s, extra_ms=MINUTE, to_ms=START + 50 * MINUTE)
        for s in range(2)
        for name in OPERATORS
    ]
    combined = [Combination(2, 4, (Group(1, ((0, 1),)), Group(1, ((1, 1),))))]
    kernel = Kernel(series, slots, combinations=combined)
    rows = [(s, START + minute * MINUTE, minute * (3 + 60 * (minute == 30))) for minute in range(90) for s in range(2)]
    for part in (rows[:100], rows[100:], [(0, START + 30 * MINUTE + 1, 99), (1, START + 1, 7)]):
        kernel.judge_cases(kernel.ingest(*columns(part)))
    kernel.judge_cases(kernel.withdraw(0, [START + 30 * MINUTE + 1]))
    kernel.judge_cases(kernel.ingest([1], [START + 90 * MINUTE], [990]))
    kernel.judge_cases(kernel.release(1))
    kernel.judge_cases(kernel.tick(START + HORIZON_MS))
    taken = kernel.snapshot()
    told = {(s, at): (s, at, value) for s, at, value in [*rows, (1, START + 1, 7), (1, START + 90 * MINUTE, 990)]}
    again = Kernel(series, slots, combinations=combined)
    again.restore(taken, lambda since: columns([row for row in told.values() if row[1] >= since]))


if __name__ == "__main__":
    warm()
