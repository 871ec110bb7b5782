"""Fixtures for every test, those beside the slices included."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from tests.cast import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The fixed cast in a fresh database."""
    return make_cast()


# The same algorithm as in earnest, at a cost that lets a test make seven accounts.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 64, 1
