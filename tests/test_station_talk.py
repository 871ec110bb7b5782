"""Queries and the clock sent down to a real TCP station, its answer stored and shown; pictures of many packets (C7)."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from anlan.base.journal.models import Entry
from anlan.kernel.clock import BEIJING
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, observed, reply_frame
from anlan.links.protocols.sl651.framing import ENQ
from anlan.loop.alarms.tests.stations import admit
from anlan.loop.sensing.admission import admit as admit_station
from anlan.loop.sensing.asking import ask, day_back
from anlan.loop.sensing.models import Attachment, Device, Quarantine, StationCommand
from anlan.loop.sensing.queries import place_values
from anlan.loop.sensing.words import answer_clock, answer_rows
from tests.cast import NOW, SYSTEM, Cast
from tests.served import NEVER, STATION, Peer, Served, rain, report, served

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(60)
]  # fmt: skip
CAPTURES = Path(__file__).resolve().parent / "captures" / "sl651.jsonl"
HEX = {record["id"]: record["hex"] for record in map(json.loads, CAPTURES.read_text(encoding="utf-8").splitlines())}


async def in_pipeline(run: Served, work: Callable[[], object]) -> object:
    return await asyncio.get_running_loop().run_in_executor(run.feed.thread, work)


def asks(frame: bytes) -> bool:
    return decode(frame).etx == ENQ


async def asked_of(peer: Peer, run: Served) -> bytes:
    await run.settle()
    frames = await peer.hear()
    assert len(frames) == 1
    return frames[0]


def test_a_query_goes_down_is_answered_and_its_values_are_stored(at_now: Cast) -> None:
    admit(at_now)
    device = Device.objects.get(address=STATION)
    ask(SYSTEM, device, what="now", now=NOW)

    async def scenario(run: Served) -> None:
        station = await run.connect()
        assert await station.hear(1, NEVER) == []  # nobody knows yet who this is
        early = await station.ask(report(1, -10, rain(1.0)))  # the request may come before the confirmation
        request = decode(next(frame for frame in [*early, *await station.hear(2 - len(early))] if asks(frame)))
        assert (request.up, request.func, request.station, request.etx) == (False, "37", STATION, ENQ)
        parts = [observed(NOW), element("26", 6.5, 3, 1), element("39", 3.25, 4, 3)]
        station.send(reply_frame(request, sent=NOW + timedelta(seconds=2), elements=parts))
        assert await station.ask(report(2, 1, rain(7.0)))  # an answer is not confirmed, the next report is

    served(scenario)
    command = StationCommand.objects.get()
    assert (command.state, command.tries) == ("answered", 1)
    assert ("瞬时河道水位", "3.25 m") in answer_rows(command.answer)
    assert answer_clock(command.answer) == (NOW + timedelta(seconds=2)).astimezone(BEIJING).replace(tzinfo=None)
    values = place_values(SYSTEM, at_now.places["YL1"], "rain", NOW - timedelta(hours=1), NOW + timedelta(minutes=5))
    assert [value for _at, value in values] == [0.0, 5.5, 0.5]
    kinds = Entry.objects.filter(subject=f"device:{device.id}").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["sensing.asked", "sensing.answered"]


def test_a_range_and_the_clock_and_a_silent_station_is_asked_again(at_now: Cast) -> None:
    admit(at_now)
    device = Device.objects.get(address=STATION)

    async def scenario(run: Served) -> None:
        station = await run.connect()
        assert await station.ask(report(1, -10, rain(1.0)))
        details = day_back("2", "F4", NOW)
        await in_pipeline(run, partial(ask, SYSTEM, device, what="range", details=details, now=NOW))
        first = decode(await asked_of(station, run))
        await in_pipeline(run, lambda: StationCommand.objects.update(due_at=NOW))  # its time to answer is over
        second = decode(await asked_of(station, run))
        assert (first.func, first.serial, second.serial) == ("38", second.serial, first.serial)
        assert second.begin is not None
        begin = second.begin.replace(tzinfo=BEIJING)
        hours = [part for n in range(2) for part in (
            observed(begin + timedelta(hours=n, minutes=5)), element("F4", [0.1 * (n + 1)] * 12)
        )]  # fmt: skip
        station.send(reply_frame(second, sent=NOW, elements=hours))
        assert await station.ask(report(2, 0, rain(2.0)))
        await in_pipeline(run, partial(ask, SYSTEM, device, what="clock", now=NOW))
        clock = decode(await asked_of(station, run))
        assert clock.func == "4A"
        assert clock.send_time is not None
        now = run.feed.clock.now().astimezone(BEIJING).replace(tzinfo=None)
        assert abs((clock.send_time - now).total_seconds()) < 5
        station.send(reply_frame(clock, sent=NOW))
        assert await station.ask(report(3, 1, rain(2.0)))

    served(scenario)
    states = list(StationCommand.objects.order_by("id").values_list("what", "state", "tries"))
    assert states == [("range", "answered", 2), ("clock", "answered", 1)]


def test_a_request_finds_the_stations_new_connection(at_now: Cast) -> None:
    admit(at_now)
    device = Device.objects.get(address=STATION)

    async def scenario(run: Served) -> None:
        old = await run.connect()
        assert await old.ask(report(1, -10, rain(1.0)))
        old.writer.close()
        await asyncio.sleep(0.1)
        new = await run.connect()
        assert await new.ask(report(2, -5, rain(1.0)))
        await in_pipeline(run, partial(ask, SYSTEM, device, what="now", now=NOW))
        assert decode(await asked_of(new, run)).func == "37"

    served(scenario)


def test_a_gateway_that_died_between_request_and_answer_asks_again(at_now: Cast) -> None:
    admit(at_now)
    device = Device.objects.get(address=STATION)

    async def asked_and_gone(run: Served) -> None:
        station = await run.connect()
        assert await station.ask(report(1, -10, rain(1.0)))
        await in_pipeline(run, partial(ask, SYSTEM, device, what="now", now=NOW))
        assert decode(await asked_of(station, run)).func == "37"

    async def asked_anew(run: Served) -> None:
        station = await run.connect()
        assert await station.ask(report(2, -5, rain(1.0)))
        await in_pipeline(run, lambda: StationCommand.objects.update(due_at=NOW))  # its time to answer is over
        request = decode(await asked_of(station, run))
        station.send(reply_frame(request, sent=NOW, elements=[observed(NOW), element("39", 3.25, 4, 3)]))
        assert await station.ask(report(3, 0, rain(1.0)))

    served(asked_and_gone)
    assert StationCommand.objects.get().state == "sent"
    StationCommand.objects.update(lease_owner="gateway", lease_until=datetime.now(UTC))  # as it died in the sending
    served(asked_anew)
    command = StationCommand.objects.get()
    assert (command.state, command.tries) == ("answered", 2)


def test_the_thirteen_packets_of_a_picture_are_kept_as_one_file_before_they_are_confirmed(at_now: Cast) -> None:
    packets = [bytes.fromhex(HEX[f"sl651-A{number:03d}"]) for number in range(22, 35)]
    address = decode(packets[0]).station
    device = admit_station(SYSTEM, protocol="sl651", address=address, place=at_now.places["YL1"], now=NOW)

    async def scenario(run: Served) -> None:
        camera = await run.connect()
        for packet in packets[:-1]:
            camera.send(packet)
        assert await camera.hear(1, NEVER) == []
        (answer,) = await camera.ask(packets[-1])
        assert (decode(answer).func, decode(answer).serial) == ("36", decode(packets[0]).serial)
        for packet in packets:  # the camera did not hear it and sends all again
            camera.send(packet)
        assert len(await camera.hear()) == 1

    served(scenario)
    kept = Attachment.objects.get()
    with kept.file.open("rb") as file:
        content = file.read()
    assert (kept.device_id, kept.size, content[:2], len(content)) == (device.id, 3313, b"\xff\xd8", 3313)
    assert kept.taken_at == datetime(2059, 10, 11, 16, 11, tzinfo=BEIJING)
    assert Quarantine.objects.count() == 0
