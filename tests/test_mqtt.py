"""Readings from real brokers (C7), NATS's 3.1.1 and Mosquitto's both: acknowledged after the commit, never before.

A session is the broker's: what is not acknowledged when the gateway goes comes again to the next one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.tests.stations import standing
from anlan.loop.sensing.commands import register_device
from anlan.loop.sensing.models import Quarantine
from anlan.loop.sensing.router import readings_alias
from anlan.site.gateway.broker import Broker, address_of
from tests.brokers import KINDS, Publisher, broker
from tests.cast import NOW, SYSTEM, Cast
from tests.fail import refuse_writes
from tests.gate import Gate, blocks, play

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(120)
]  # fmt: skip
TOPIC = "anlan/v1/G1/readings"
Scenario = Callable[[Gate, Broker, Publisher], Awaitable[None]]


def rain(minutes: float, value: float) -> bytes:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return json.dumps([{"metric": "rain.accumulated", "at": at, "value": value}]).encode()


def pushing(cast: Cast) -> None:
    register_device(SYSTEM, protocol="ingest", address="G1", place=cast.places["YL1"], now=NOW)


async def until(true: Callable[[], bool], seconds: float = 15) -> bool:
    for _ in range(round(seconds / 0.05)):
        if true():
            return True
        await asyncio.sleep(0.05)
    return False


async def stores(gate: Gate, count: int) -> bool:
    for _ in range(300):
        if await gate.on_thread(lambda: len(blocks())) == count:
            return True
        await asyncio.sleep(0.05)
    return False


def with_broker(port: int, version: str, scenario: Scenario, *, kill: bool = False) -> None:
    """A gateway that takes readings from the broker. kill: in the end its connection breaks without a word."""

    async def run(gate: Gate) -> None:
        conf = settings.CONFIG.model_copy(
            update={"mqtt_url": f"mqtt://127.0.0.1:{port}", "mqtt_version": version, "ingest_body_max": 5000}
        )
        held = Broker(gate.feed, conf)
        held.open()
        try:
            assert await until(lambda: held.connected)
            await asyncio.sleep(0.2)  # and subscribed
            with Publisher(port) as device:
                await scenario(gate, held, device)
        finally:
            if kill:
                held.client.on_disconnect = None
                held.client.loop_stop()
                sock = held.client.socket()
                if sock is not None:
                    sock.close()
            else:
                held.close()

    play(run)


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_readings_behind_a_broker_are_stored_and_judged(at_now: Cast, tmp_path: Path, kind: str, version: str) -> None:
    pushing(at_now)

    async def scenario(gate: Gate, _held: Broker, device: Publisher) -> None:
        device.client.subscribe("anlan/v1/+/refused")
        for body in (rain(-10, 100.0), b"{", rain(0, 141.0), b" " * 5001):
            device.publish(TOPIC, body)
        device.publish("anlan/v1/STRANGER/readings", rain(0, 1.0))
        other = json.dumps({"s": ["G2/stage"], "t": [NOW.timestamp()], "v": [1]}).encode()
        device.publish(TOPIC, other)
        assert await until(lambda: len(device.heard) == 3)
        assert await stores(gate, 2)
        await gate.turn()
        assert {json.loads(body)["code"] for _topic, body in device.heard} == {
            "ingest.body", "ingest.too_large", "ingest.device"
        }  # fmt: skip

    with broker(kind, tmp_path / "broker") as port:
        with_broker(port, version, scenario)
        with_broker(port, version, _nothing_comes)
    assert standing() == [("WX1", 4, "active")]
    kept = Quarantine.objects.get()
    assert (kept.protocol, kept.address, kept.reason) == ("ingest", "STRANGER", "unknown")
    assert len(blocks()) == 2


async def _nothing_comes(gate: Gate, _held: Broker, _device: Publisher) -> None:
    """Everything was acknowledged: to the next gateway nothing comes again."""
    before = await gate.on_thread(lambda: len(blocks()))
    await asyncio.sleep(1)
    assert await gate.on_thread(lambda: len(blocks())) == before


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_a_gateway_that_dies_between_store_and_acknowledgement_loses_and_doubles_nothing(
    at_now: Cast, tmp_path: Path, kind: str, version: str
) -> None:
    pushing(at_now)

    async def dies(gate: Gate, held: Broker, device: Publisher) -> None:
        held._ack = lambda mid, qos: None  # type: ignore[method-assign]  # it was killed before it came to that
        device.publish(TOPIC, rain(-10, 100.0))
        device.publish(TOPIC, rain(0, 141.0))
        assert await stores(gate, 2)
        await gate.turn()

    async def comes_again(gate: Gate, _held: Broker, _device: Publisher) -> None:
        assert await stores(gate, 4)
        await gate.turn()

    with broker(kind, tmp_path / "broker") as port:
        with_broker(port, version, dies, kill=True)
        assert Alarm.objects.count() == 1
        once = list(Alarm.objects.values())
        with_broker(port, version, comes_again)
        assert list(Alarm.objects.values()) == once
        with Publisher(port) as device:
            device.publish(TOPIC, rain(0.5, 141.0))  # while no gateway is there: the broker keeps it

        async def kept(gate: Gate, held: Broker, device: Publisher) -> None:
            assert await stores(gate, 5)
            await _nothing_comes(gate, held, device)

        with_broker(port, version, kept)
    held = blocks()
    assert len(set(zip(held.series.tolist(), held.times.tolist(), held.values.tolist(), strict=True))) == 3


def test_what_cannot_be_stored_yet_is_not_acknowledged_and_tried_again(at_now: Cast, tmp_path: Path) -> None:
    pushing(at_now)

    async def scenario(gate: Gate, held: Broker, device: Publisher) -> None:
        acknowledged: list[int] = []
        ack = held._ack

        def counted(mid: int, qos: int) -> None:
            acknowledged.append(mid)
            ack(mid, qos)

        held._ack = counted  # type: ignore[method-assign]

        def refuse() -> object:
            context = refuse_writes("sensing_block", connections[readings_alias()])
            context.__enter__()
            return context

        context = await gate.on_thread(refuse)
        device.publish(TOPIC, rain(0, 141.0))
        await asyncio.sleep(1.5)
        assert acknowledged == []
        await gate.on_thread(lambda: context.__exit__(None, None, None))  # type: ignore[attr-defined]
        assert await until(lambda: len(acknowledged) == 1)

    with broker("mosquitto", tmp_path / "broker") as port:
        with_broker(port, "5", scenario)
    assert len(blocks()) == 1


def test_a_broker_that_goes_and_comes_back_is_found_again(at_now: Cast, tmp_path: Path) -> None:
    pushing(at_now)

    async def run(gate: Gate) -> None:
        with broker("mosquitto", tmp_path / "first") as port:
            conf = settings.CONFIG.model_copy(update={"mqtt_url": f"mqtt://127.0.0.1:{port}"})
            held = Broker(gate.feed, conf)
            held.client.reconnect_delay_set(1, 1)
            held.open()
            assert await until(lambda: held.connected)
        assert await until(lambda: not held.connected)
        with broker("mosquitto", tmp_path / "first", port), Publisher(port) as device:
            assert await until(lambda: held.connected)
            await asyncio.sleep(0.2)
            device.publish(TOPIC, rain(0, 141.0))
            assert await stores(gate, 1)
            held.close()

    play(run)


@pytest.mark.parametrize("url", ["", "http://host", "mqtt://", "host:1883"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="mqtt://host"):
        address_of(url)


def test_an_address_is_taken_apart() -> None:
    found = address_of("mqtts://site:p%40ss@broker.example:8884")
    assert (found.host, found.port, found.secure, found.user, found.password) == (
        "broker.example", 8884, True, "site", "p@ss"
    )  # fmt: skip
    assert address_of("mqtt://broker.example").port == 1883
