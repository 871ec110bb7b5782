"""The telephone company of these tests: a process of its own on a fast clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anlan.kernel.clock import SiteClock
from tests.cast import NOW
from tools.phones.tests.conftest import Phones


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    clock = SiteClock(tmp_path / "clock.json")
    clock.start(NOW.timestamp(), rate=120.0)
    company = Phones(tmp_path / "phones", clock)
    company.start()
    yield company
    company.stop()
