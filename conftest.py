"""Fixtures for every test, those beside the slices included."""

import pytest

from tests.cast import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The fixed cast in a fresh database."""
    return make_cast()
