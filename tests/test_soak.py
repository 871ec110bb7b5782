"""What the soak calls growth: memory that still rises after it should have settled, not the warming up."""

import pytest

from tests.bench.soak import grows


@pytest.mark.parametrize(
    ("samples", "growing"),
    [
        ([100.0] * 30, False),
        ([100.0 + 10 * n for n in range(10)] + [200.0] * 20, False),  # warms up, then stays
        ([100.0 + 20 * n for n in range(30)], True),
        ([100.0 + n / 2 for n in range(30)], False),  # less than 30 MB
        ([100.0, 900.0], False),  # too few to tell
    ],
)
def test_growth(samples: list[float], growing: bool) -> None:
    assert grows(samples) is growing
