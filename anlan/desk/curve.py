"""The wake curve of a campaign as the points of a small drawing: share of persons woken over time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 36.0, 350.0, 14.0, 164.0
MINUTE = 60.0


@dataclass(frozen=True)
class Curve:
    """Everything the drawing shows, in the units of its 360 × 190 box. marks: (x, minutes after the opening).

    at_wake: percent woken at the wake line, or now where that is still to come.
    """

    path: str
    before: str
    wake_x: float
    dot_x: float
    label_x: float
    wake_min: int
    at_wake: int
    at_wake_y: float
    before_at_wake: int | None
    marks: tuple[tuple[float, int], ...]


def share_at(times: Sequence[float], of: int, seconds: float) -> float:
    """Share of persons woken within so many seconds, 0 … 1; 0 of 0 is 0."""
    return sum(1 for one in times if one <= seconds) / of if of else 0.0


def draw(
    times: Sequence[float],
    of: int,
    elapsed_s: float,
    wake_s: float,
    before: tuple[int, Sequence[float]] | None,
) -> Curve:
    """times: seconds after the opening at which each person was woken, rising. before: the same of an earlier one."""
    span = max(2 * wake_s, 5 * MINUTE)
    if times:
        span = max(span, min(times[-1] * 1.1, 6 * wake_s))

    def x(seconds: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(seconds / span, 1.0), 1)

    def y(part: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * part, 1)

    def steps(points: Sequence[float], whole: int, end: float) -> str:
        if not whole:
            return ""
        out = [f"M{x(0)} {y(0)}"]
        for number, seconds in enumerate(one for one in points if one <= span):
            out.append(f"H{x(seconds)}V{y((number + 1) / whole)}")
        return "".join([*out, f"H{x(min(end, span))}"])

    step = next(m for m in (1, 2, 5, 10, 15, 30, 60, 120, 10**6) if span / MINUTE / m <= 4)
    now = min(elapsed_s, wake_s)
    at_wake = share_at(times, of, now)
    return Curve(
        path=steps(times, of, elapsed_s),
        before=steps(before[1], before[0], span) if before else "",
        wake_x=x(wake_s),
        dot_x=x(now),
        label_x=x(now) + 8,
        wake_min=round(wake_s / MINUTE),
        at_wake=round(100 * at_wake),
        at_wake_y=y(at_wake),
        before_at_wake=round(100 * share_at(before[1], before[0], wake_s)) if before and before[0] else None,
        marks=tuple((x(m * MINUTE), m) for m in range(step, int(span / MINUTE) + 1, step)),
    )
