"""kill -9 of the gateway while devices push (C7): what was answered or published is kept, and a key is stored once."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from anlan.loop.sensing.blocks import unpack
from tests.bench.gateway import token_of
from tests.bench.site import BenchSite, running
from tests.brokers import Publisher, broker
from tests.journeys.conftest import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(200)]
SENDERS, KILLS = 4, 4
Reading = tuple[str, int, float]
"""Address, event time in Unix ms, value."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[BenchSite]:
    """A site whose gateway the test starts; gauges 0 … 3 of its net push as P0 … P3."""
    with running(tmp_path / "site", 2 * SENDERS, 0) as made:
        yield made


def stored(site: BenchSite) -> Counter[Reading]:
    """Every stage in the blocks, by address."""
    sql = (
        "select series.id, device.address from sensing_series series"
        " join sensing_device device on device.id = series.device_id where series.metric = 'stage'"
    )
    address = {int(str(number)): str(name) for number, name in site.ask(sql)}
    found: Counter[Reading] = Counter()
    for (packed,) in site.ask("select packed from sensing_block", "readings"):
        assert isinstance(packed, bytes)
        held = unpack(packed)
        rows = zip(held.series.tolist(), held.times.tolist(), held.values.tolist(), strict=True)
        found.update((address[s], at, value) for s, at, value in rows if s in address)
    return found


def kill(site: BenchSite) -> None:
    site.processes["gateway"].kill()
    site.processes["gateway"].wait()


class Sender(threading.Thread):
    """Posts one reading after the other, again and again under its key until it is answered 200."""

    def __init__(self, site: BenchSite, token: str, number: int) -> None:
        super().__init__(daemon=True)
        self.url = f"http://127.0.0.1:{site.ingest_port}/ingest/v1/readings"
        self.token, self.address = token, f"P{number}"
        self.begin = site.clock.now() - timedelta(hours=12)
        self.answered: list[Reading] = []
        self.again = 0
        self.over = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self.over.is_set():
                turn = len(self.answered)
                at = self.begin + timedelta(seconds=turn)
                body = {"s": [f"{self.address}/stage"], "t": [int(at.timestamp() * 1000)], "v": [turn]}
                while not self._sent(client, body, f"{self.address}-{turn}"):
                    self.again += 1
                    time.sleep(0.05)
                self.answered.append((self.address, int(at.timestamp() * 1000), float(turn)))

    def _sent(self, client: httpx.Client, body: object, key: str) -> bool:
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": key}
        try:
            return client.post(self.url, json=body, headers=headers).status_code == 200
        except httpx.HTTPError:
            return False


def test_what_was_answered_is_stored_exactly_once(site: BenchSite) -> None:
    token = token_of(site)
    senders = [Sender(site, token, number) for number in range(SENDERS)]
    site.start("gateway")
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        before = sum(len(sender.answered) for sender in senders)
        assert until(lambda: sum(len(sender.answered) for sender in senders) > before + 40, 30), "nobody is answered"  # noqa: B023
        kill(site)
        site.start("gateway")
    last = [len(sender.answered) for sender in senders]
    assert until(lambda: all(len(s.answered) > n + 5 for s, n in zip(senders, last, strict=True)), 30)
    for sender in senders:
        sender.over.set()
    for sender in senders:
        sender.join(20)
    assert sum(sender.again for sender in senders), "no request was ever cut off: the kills came too early"
    answered = Counter(reading for sender in senders for reading in sender.answered)
    assert stored(site) == answered


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_a_broker_took_is_stored(site: BenchSite, tmp_path: Path, version: str) -> None:
    published: list[Reading] = []
    begin = site.clock.now() - timedelta(hours=12)
    with broker("mosquitto", tmp_path / "broker") as port, Publisher(port) as device:
        site.extra = {"ANLAN_MQTT_URL": f"mqtt://127.0.0.1:{port}", "ANLAN_MQTT_VERSION": version}
        site.start("gateway")
        time.sleep(3)  # it has connected, and the broker keeps its session from now on

        def publish(count: int) -> None:
            for _ in range(count):
                turn = len(published)
                at = int((begin + timedelta(seconds=turn)).timestamp() * 1000)
                body = json.dumps({"s": ["stage"], "t": [at], "v": [turn]}).encode()
                address = f"P{turn % SENDERS}"
                device.publish(f"anlan/v1/{address}/readings", body, wait=turn % 50 == 0)
                published.append((address, at, float(turn)))
                time.sleep(0.001)

        for _ in range(KILLS):
            publish(300)
            kill(site)
            publish(100)  # while nobody is there
            site.start("gateway")
            time.sleep(1)
        publish(1)
        assert until(lambda: set(published) <= set(stored(site)), 40), (
            f"{len(set(published) - set(stored(site)))} of {len(published)} published readings are in no block"
        )
        assert set(stored(site)) == set(published)
