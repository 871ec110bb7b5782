"""The wake curve's drawing: steps inside its box, shares at the wake line."""

from hypothesis import given
from hypothesis import strategies as st

from anlan.desk.curve import BOTTOM, LEFT, RIGHT, TOP, draw, share_at

TIMES = st.lists(st.floats(0, 7200, allow_nan=False), max_size=40).map(sorted)


def test_half_of_four_by_the_wake_line_are_fifty_percent() -> None:
    curve = draw([30, 200, 400], 4, 500, 300, (2, [100.0]))
    assert (curve.at_wake, curve.before_at_wake, curve.wake_min) == (50, 50, 5)
    assert curve.path.startswith(f"M{LEFT} {BOTTOM}H")
    assert curve.path.count("V") == 3


def test_nobody_to_be_woken_draws_nothing() -> None:
    curve = draw([], 0, 10, 300, None)
    assert (curve.path, curve.before, curve.at_wake, curve.before_at_wake) == ("", "", 0, None)


@given(times=TIMES, more=st.integers(0, 20), elapsed=st.floats(0, 9000), wake=st.sampled_from([300, 600, 1800]))
def test_every_point_is_inside_the_box_and_never_goes_back(
    times: list[float], more: int, elapsed: float, wake: float
) -> None:
    curve = draw(times, len(times) + more, elapsed, wake, None)
    numbers = [float(part.split("V")[0]) for part in curve.path.split("H")[1:]]
    heights = [float(part.split("V")[1]) for part in curve.path.split("H")[1:] if "V" in part]
    assert all(LEFT <= number <= RIGHT for number in numbers)
    assert numbers[:-1] == sorted(numbers[:-1])
    assert all(TOP <= height <= BOTTOM for height in heights)
    assert heights == sorted(heights, reverse=True)
    assert 0 <= share_at(times, len(times) + more, wake) <= 1
    assert len(curve.marks) <= 4
