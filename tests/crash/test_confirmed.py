"""kill -9 in a storm as stations and telephones live it: what was confirmed is kept, no phone rings twice at once.

The stations here write down each reading whose confirmation they heard; `test_kill` looks at the site's own stations
and at what must not be stuck.
"""

import itertools
import json
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from anlan.kernel.clock import SiteClock
from anlan.loop.sensing.blocks import unpack
from tests.crash.outside import ask, in_site, kill
from tests.crash.stations import Reading, Stations
from tests.journeys.conftest import Site, site, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(280)]
__all__ = ["site"]
STATIONS = 20


def _stored(folder: Path) -> Counter[Reading]:
    """Every reading of accumulated rain in the blocks, by station address."""
    sql = (
        "select series.id, device.address from sensing_series series"
        " join sensing_device device on device.id = series.device_id where series.metric = 'rain.accumulated'"
    )
    address = {int(str(number)): str(name) for number, name in ask(folder, sql)}
    found: Counter[Reading] = Counter()
    for (packed,) in ask(folder, "select packed from sensing_block", "readings"):
        assert isinstance(packed, bytes)
        columns = unpack(packed)
        rows = zip(columns.series.tolist(), columns.times.tolist(), columns.values.tolist(), strict=True)
        found.update((address[s], at, round(value, 1)) for s, at, value in rows if s in address)
    return found


def test_what_a_station_heard_confirmed_survives_every_kill(site: Site) -> None:
    folder = site.folder
    laid = in_site(folder, "-m", "tests.bench.net", str(STATIONS), "0")
    assert laid.returncode == 0, laid.stderr
    port = json.loads((folder / "ports.json").read_text())["sl651"]
    stations = Stations(port, STATIONS, SiteClock(folder / "clock.json").now() - timedelta(hours=12))
    stations.start()
    assert until(lambda: len(stations.confirmed) > STATIONS, 30), "the gateway does not know the new stations"
    (folder / "storm_requested").touch()
    assert until(lambda: ask(folder, "select id from calls_attempt"), 90), "no call was dialled"
    for word in ("cli gateway", "cli worker", "granian", "cli gateway", "cli worker"):
        before = len(stations.confirmed)
        assert until(lambda: kill(folder, word), 20), word  # noqa: B023
        assert until(lambda: len(stations.confirmed) > before + STATIONS, 60), f"{word}: nobody confirms"  # noqa: B023
    confirmed = stations.finish()
    assert stations.repeats, "no frame was ever cut off: the kills came too early"

    lost = set(confirmed) - set(_stored(folder))
    assert not lost, f"{len(lost)} of {len(confirmed)} confirmed readings are in no block: {sorted(lost)[:3]}"
    _dials_are_single(folder)


def _dials_are_single(folder: Path) -> None:
    """The company's own log against ours: each call under the key of an attempt, no phone rung twice at once."""
    sql = "select id, key, number, accepted from calls order by number, accepted"
    log = ask(folder / "phones", sql, "phones")
    time.sleep(1)  # what was taken a moment ago is booked
    ours = {str(key): (str(call), n, str(name)) for key, call, n, name in
            ask(folder, "select id, call_id, n, provider from calls_attempt")}  # fmt: skip
    keys = [str(key).replace("-", "") for _id, key, _number, _at in log]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(ours), "the company took a call that we know nothing of"
    assert all(ours[k][2] in ("", str(row[0])) for k, row in zip(keys, log, strict=True))
    tries = Counter((call, n) for call, n, _name in ours.values())
    assert max(tries.values()) == 1
    ended = {str(json.loads(str(body))["call"]): datetime.fromisoformat(json.loads(str(body))["at"]).timestamp()
             for (body,) in ask(folder / "phones", "select body from events", "phones")
             if json.loads(str(body))["event"] == "completed"}  # fmt: skip
    for (first, _k, number, _a), (_second, _k2, same, accepted) in itertools.pairwise(log):
        if number == same:
            assert ended.get(str(first), float("inf")) <= float(str(accepted)), f"{number} was rung twice at once"
