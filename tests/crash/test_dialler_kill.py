"""kill -9 of the worker between the committed attempt and the telephone company's answer: no phone rings twice for it.

The company is stopped (SIGSTOP) while the worker dials, so each request is on its way and unanswered when the worker
dies. Then the company goes on and takes those requests, and a new worker dials again: under the same keys.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bench.load import Load
from tests.bench.site import BenchSite, running
from tests.journeys.conftest import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(200)]
AREAS = 3


@pytest.fixture
def quiet_site(tmp_path: Path) -> Iterator[BenchSite]:
    """Phones and gateway; the worker is started by the test."""
    with running(tmp_path / "site", AREAS, AREAS, "phones", "gateway") as site:
        yield site


def _rain(site: BenchSite) -> None:
    """Each gauge speaks, then jumps over the limit of its danger area."""
    calm = Load(site.port, site.clock, AREAS, 1)
    asyncio.run(calm.run(60, 0, once=True))
    storm = Load(site.port, site.clock, AREAS, 1, minutes=calm.minutes, trigger=dict.fromkeys(range(AREAS), 50.0))
    storm.minutes = {n: at + timedelta(minutes=1) for n, at in calm.minutes.items()}
    asyncio.run(storm.run(60, 0, once=True))


def _attempts(site: BenchSite) -> dict[str, tuple[str, int, str]]:
    """Key → call, how many-th try, what the company calls it."""
    rows = site.ask("select id, call_id, n, provider from calls_attempt")
    return {str(key): (str(call), int(str(n)), str(name)) for key, call, n, name in rows}


def _taken(site: BenchSite) -> list[str]:
    return [str(key).replace("-", "") for (key,) in site.ask("select key from calls", "phones/phones")]


def test_a_dial_that_nobody_answered_for_is_repeated_under_its_key(quiet_site: BenchSite) -> None:
    site = quiet_site
    site.processes["phones"].send_signal(signal.SIGSTOP)
    site.start("worker")
    _rain(site)
    assert until(lambda: len(_attempts(site)) >= AREAS, 60), "nobody is being called"
    until(lambda: False, 1.5)  # the requests are on their way
    site.processes["worker"].kill()
    site.processes["worker"].wait()
    hanging = _attempts(site)
    assert all(name == "" for _call, _n, name in hanging.values()), "the company answered, though it stood still"

    site.processes["phones"].send_signal(signal.SIGCONT)
    assert until(lambda: _taken(site), 20), "no request was on its way: the kill came too early"
    heard_before = set(_taken(site))
    assert heard_before <= set(hanging)
    site.start("worker")
    assert until(lambda: all(_attempts(site)[key][2] for key in hanging), 60), "an attempt is stuck"

    log = Counter(_taken(site))
    assert max(log.values()) == 1
    assert all(log[key] == 1 for key in hanging)
    ours = _attempts(site)
    assert set(log) <= set(ours)
    first = Counter(call for call, n, _name in ours.values() if n == 1)
    assert max(first.values()) == 1
    for key, (call, n, _name) in hanging.items():
        assert ours[key][:2] == (call, n)
