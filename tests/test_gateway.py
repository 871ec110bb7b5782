"""Frames over a real socket into the gateway: the answer comes after the commit, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connections

from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, seal, up_frame
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.tests.stations import admit, standing
from anlan.loop.sensing.models import Block, Latest, Quarantine, Series
from anlan.loop.sensing.router import readings_alias
from anlan.site.gateway.feed import Feed, Work
from anlan.site.gateway.stations import Door
from tests.cast import NOW, Cast
from tests.fail import refuse_writes

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(60)
]  # fmt: skip
STATION = "1404270001"
Ask = Callable[[bytes, float], Awaitable[bytes]]
NOTHING = Work([], [])
PROMPTLY, NEVER = 10.0, 1.0  # how long an answer is waited for


def report(serial: int, minutes: int, *parts: bytes, station: str = STATION) -> bytes:
    moment = NOW + timedelta(minutes=minutes)
    return up_frame(station, "32", serial=serial, sent=moment, observed=moment, elements=parts)


def rain(millimetres: float) -> bytes:
    return element("26", millimetres, 5, 1)


def with_gateway(scenario: Callable[[Ask], Awaitable[None]]) -> None:
    """A gateway on a free port, and one station's connection: `ask` sends bytes and returns what came back in time."""

    async def play() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        feed = Feed()
        await feed.start()
        door = Door(PROTOCOLS["sl651"], feed, settings.CONFIG)
        port = await door.open("127.0.0.1", 0)
        feeding = asyncio.create_task(feed.run(stop))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(frame: bytes, wait: float) -> bytes:
            writer.write(frame)
            try:
                return await asyncio.wait_for(reader.read(4096), wait)
            except TimeoutError:
                return b""

        try:
            await scenario(ask)
            while feed.pipeline.replan:  # a station heard for the first time is planned, and judged, a little later
                await asyncio.sleep(0.02)
            await loop.run_in_executor(feed.thread, feed.turn, NOTHING)
        finally:
            writer.close()
            stop.set()
            await feeding
            await door.close()
            await loop.run_in_executor(feed.thread, connections.close_all)

    asyncio.run(play())


@pytest.mark.parametrize("table", ["sensing_block", ""])
def test_no_answer_without_a_commit(at_now: Cast, table: str) -> None:
    admit(at_now)
    refused = refuse_writes(table, connections[readings_alias()]) if table else nullcontext()
    answers: list[bytes] = []

    async def scenario(ask: Ask, wait: float) -> None:
        for serial, minutes, millimetres in ((1, -10, 100.0), (2, 0, 141.0)):
            answers.append(await ask(report(serial, minutes, rain(millimetres)), wait))

    with refused:
        with_gateway(partial(scenario, wait=NEVER if table else PROMPTLY))
    if table:
        assert answers == [b"", b""]
        assert (Block.objects.using(readings_alias()).count(), Alarm.objects.count()) == (0, 0)
        answers.clear()
        with_gateway(partial(scenario, wait=PROMPTLY))
    heard = [decode(answer) for answer in answers]
    assert [(frame.up, frame.station, frame.serial, frame.fault) for frame in heard] == [
        (False, STATION, "0001", None), (False, STATION, "0002", None)
    ]  # fmt: skip
    assert Block.objects.using(readings_alias()).count() == 2
    assert standing() == [("WX1", 4, "active")]


def test_a_bad_element_keeps_the_rest_of_its_frame(at_now: Cast) -> None:
    """39 (stage) holds no decimal digits; the rain behind it is stored and judged, and the frame is answered."""
    admit(at_now)
    bad = report(2, 0, element("39", 1.0, 4, 3), rain(141.0), element("38", 12.5, 2, 2))
    at = bad.index(b"\x39\x23") + 2
    body = bad[:at] + b"\xaa\xbb\xcc\xdd" + bad[at + 4 :]
    frame = seal(body[2:11], 0, body[14:-3], 0x03)
    assert decode(frame).fault is None

    async def scenario(ask: Ask) -> None:
        assert await ask(report(1, -10, rain(100.0)), PROMPTLY)
        assert decode(await ask(frame, PROMPTLY)).serial == "0002"

    with_gateway(scenario)
    assert standing() == [("WX1", 4, "active")]
    metrics = dict(Series.objects.values_list("metric", "id"))
    values = dict(Latest.objects.using(readings_alias()).values_list("series", "value"))
    assert values[metrics["rain.accumulated"]] == 141.0
    assert values[metrics["voltage"]] == 12.5
    assert values[metrics["stage"]] is None


def test_strangers_and_broken_frames_get_no_answer(at_now: Cast) -> None:
    admit(at_now)
    broken = bytearray(report(1, 0, rain(141.0)))
    broken[-1] ^= 0xFF

    async def scenario(ask: Ask) -> None:
        assert await ask(bytes(broken), NEVER) == b""
        assert await ask(report(1, 0, rain(141.0), station="9999000001"), NEVER) == b""
        assert await ask(report(1, 0, rain(141.0), station="1404270003"), NEVER) == b""  # its password is another one
        assert await ask(report(3, 0, rain(1.0)), PROMPTLY)  # the connection is still good

    with_gateway(scenario)
    assert Block.objects.using(readings_alias()).count() == 1
    kept = Quarantine.objects.order_by("address").values_list("address", "reason", "count")
    assert list(kept) == [("1404270003", "password", 1), ("9999000001", "unknown", 1)]
