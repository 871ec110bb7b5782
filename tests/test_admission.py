"""Devices that misbehave, over real TCP: a stated outcome for each (C7), and nobody else pays for it."""

import asyncio
import time
from datetime import timedelta

import pytest

from anlan.base.journal.models import Entry
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import decode
from anlan.loop.alarms.tests.stations import admit, standing
from anlan.loop.sensing.blocks import FUTURE
from anlan.loop.sensing.models import Contact, Device, Latest, Quarantine, Trouble
from anlan.loop.sensing.queries import ms, place_values
from anlan.loop.sensing.router import readings_alias
from tests.cast import NOW, SYSTEM, Cast
from tests.served import NEVER, STATION, Served, rain, report, served

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(60)
]  # fmt: skip


def contact(address: str = STATION) -> Contact:
    return Contact.objects.using(readings_alias()).get(device=Device.objects.get(address=address).id)


def test_a_flooding_device_waits_and_the_others_do_not(at_now: Cast) -> None:
    """It is read at its rate: every frame is stored in the end, none is thrown away; it is shown with its count."""
    admit(at_now)
    waits: list[float] = []

    async def scenario(run: Served) -> None:
        flood, calm = await run.connect(), await run.connect("127.0.0.2")
        flood.send(b"".join(report(n, n / 60, rain(1.0)) for n in range(1, 400)))
        for n in range(10):
            begin = time.monotonic()
            assert await calm.ask(report(n + 1, n, rain(1.0), station="1404270002"))
            waits.append(time.monotonic() - begin)
        answered = len(await flood.hear(400, 0.5))
        assert 10 <= answered < 100

    served(scenario, device_burst=10, device_rate=20)
    assert max(waits) < 1.0
    assert contact().slowed > 0
    (trouble,) = Trouble.objects.all()
    assert (trouble.kind, trouble.address, trouble.peer) == ("flood", STATION, "127.0.0.1")
    assert trouble.count >= contact().slowed
    assert Entry.objects.filter(kind="sensing.flood").count() == 1


def test_a_source_of_rubbish_is_hung_up_on_and_refused_for_a_while(at_now: Cast) -> None:
    admit(at_now)

    async def scenario(run: Served) -> None:
        bad = await run.connect("127.0.0.3")
        for n in range(40):
            bad.send(report(n + 1, 0, rain(1.0), station=f"99990{n:05d}"))
        await bad.hear(1, 5)
        assert bad.hung_up
        again = await run.connect("127.0.0.3")
        await again.hear(1, 5)
        assert again.hung_up
        good = await run.connect("127.0.0.1")
        assert await good.ask(report(1, 0, rain(1.0)))
        stray = await run.connect("127.0.0.4")
        for _ in range(60):
            stray.send(bytes(8192))
        await stray.hear(1, 5)
        assert stray.hung_up

    served(scenario, stranger_burst=20, stranger_rate=1, refuse_s=30)
    assert sorted(Trouble.objects.values_list("kind", "peer")) == [("stranger", "127.0.0.3"), ("stranger", "127.0.0.4")]
    assert Quarantine.objects.count() == 20


def test_made_up_addresses_do_not_fill_the_quarantine(at_now: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anlan.loop.sensing.commands.QUARANTINED", 5)

    async def scenario(run: Served) -> None:
        bad = await run.connect()
        for n in range(30):
            bad.send(report(n + 1, 0, rain(1.0), station=f"99990{n:05d}"))
        assert await bad.hear(1, NEVER) == []

    served(scenario)
    assert Quarantine.objects.count() == 6
    assert Quarantine.objects.get(address="*").count == 25


def test_a_byte_at_a_time_and_a_lie_about_the_length(at_now: Cast) -> None:
    """Slow bytes make the same frame; a header that promises 4095 bytes holds back nobody, itself included."""
    admit(at_now)

    async def scenario(run: Served) -> None:
        slow, liar = await run.connect(), await run.connect("127.0.0.2")
        frame = report(1, -10, rain(1.0))
        for n in range(len(frame)):
            slow.send(frame[n : n + 1])
            await slow.writer.drain()
            await asyncio.sleep(0.001)
        assert decode((await slow.hear())[0]).serial == "0001"
        lie = framing.HEAD + frame[2:11] + b"\x0f\xff" + frame[13:40]
        liar.send(lie)
        assert decode((await liar.ask(report(2, -5, rain(2.0), station="1404270002")))[0]).serial == "0002"
        short = framing.HEAD + frame[2:11] + b"\x00\x05" + frame[13:]
        liar.send(short)
        assert await liar.ask(report(3, 0, rain(3.0), station="1404270002"))

    served(scenario)
    values = place_values(SYSTEM, at_now.places["YL2"], "rain", NOW - timedelta(hours=1), NOW)
    assert [value for _at, value in values] == [0.0, 1.0]  # the first one only says where its total stands


def test_a_clock_a_day_ahead_is_kept_shown_and_not_judged_and_one_a_day_behind_is_late(at_now: Cast) -> None:
    admit(at_now)

    async def scenario(run: Served) -> None:
        ahead, behind = await run.connect(), await run.connect("127.0.0.2")
        assert await ahead.ask(report(1, -10, rain(100.0)))
        assert await ahead.ask(report(2, 24 * 60, rain(241.0)))
        assert await behind.ask(report(1, -10, rain(5.0), station="1404270002"))
        assert await behind.ask(report(2, -24 * 60, rain(1.0), station="1404270002"))
        await run.settle()

    served(scenario)
    assert standing() == []  # 141 mm in ten minutes would be red
    assert contact().offset_ms is not None
    assert abs((contact().offset_ms or 0) - 86_400_000) < 60_000
    assert abs((contact("1404270002").offset_ms or 0) + 86_400_000) < 60_000
    newest = dict(Latest.objects.using(readings_alias()).values_list("value", "at_ms"))
    assert newest == {100.0: ms(NOW - timedelta(minutes=10)), 5.0: ms(NOW - timedelta(minutes=10))}
    yesterday = place_values(SYSTEM, at_now.places["YL2"], "rain", NOW - timedelta(days=2), NOW)
    assert [round(value or 0, 1) for _at, value in yesterday] == [0.0, 4.0]  # from yesterday's 1.0 to today's 5.0
    assert FUTURE == 2


def test_a_day_of_frames_sent_again_doubles_nothing(at_now: Cast) -> None:
    admit(at_now)
    frames = [report(n + 1, 5 * n - 24 * 60, rain(n / 10)) for n in range(288)]

    async def scenario(run: Served) -> None:
        peer = await run.connect()
        for _ in range(2):
            peer.send(b"".join(frames))
            assert len(await peer.hear(288)) == 288  # each is confirmed both times

    served(scenario)
    values = place_values(SYSTEM, at_now.places["YL1"], "rain", NOW - timedelta(days=1), NOW)
    assert len(values) == 287
    assert round(sum(value or 0 for _at, value in values), 1) == 28.7
    assert (contact().frames, contact().slowed) == (576, 0)


def test_one_address_at_two_places_is_flagged_and_a_reconnection_is_not(at_now: Cast) -> None:
    admit(at_now)

    async def scenario(run: Served) -> None:
        first, second = await run.connect("127.0.0.5"), await run.connect("127.0.0.6")
        for n, peer in enumerate((first, second, first, second)):
            assert await peer.ask(report(n + 1, n - 10, rain(1.0)))
        old = await run.connect("127.0.0.7")
        assert await old.ask(report(1, 0, rain(1.0), station="1404270002"))
        new = await run.connect("127.0.0.8")
        assert await new.ask(report(2, 1, rain(1.0), station="1404270002"))
        old.writer.close()
        assert await new.ask(report(3, 2, rain(1.0), station="1404270002"))

    served(scenario)
    (trouble,) = Trouble.objects.all()
    assert (trouble.kind, trouble.address, trouble.peer, trouble.other_peer, trouble.count) == (
        "contested", STATION, "127.0.0.5", "127.0.0.6", 2
    )  # fmt: skip
    entry = Entry.objects.get(kind="sensing.contested")
    assert entry.place_id == at_now.places["YL1"].id


def test_a_relay_that_also_carries_the_station_is_not_two_places(at_now: Cast) -> None:
    admit(at_now)

    async def scenario(run: Served) -> None:
        relay, own = await run.connect("127.0.0.5"), await run.connect("127.0.0.6")
        assert await relay.ask(report(1, -9, rain(1.0), station="1404270002"))
        for n in range(4):
            assert await (relay, own)[n % 2].ask(report(n + 1, n - 8, rain(1.0)))

    served(scenario)
    assert Trouble.objects.count() == 0
