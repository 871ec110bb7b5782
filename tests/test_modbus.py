"""A real Modbus server is polled and its values go through the pipeline: exceptions, silence, reconnection (C7)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

from anlan.base.places.models import Place
from anlan.links.protocols.contract import Message
from anlan.links.protocols.modbus import poller as poller_module
from anlan.links.protocols.modbus import rtu
from anlan.links.protocols.modbus.poller import Poller
from anlan.links.protocols.modbus.registers import DeviceMap
from anlan.loop.alarms.tests.stations import standing
from anlan.loop.sensing.admission import admit, configure, disable
from anlan.loop.sensing.models import Contact, Device, Latest, Series, Trouble
from anlan.loop.sensing.router import readings_alias
from anlan.site.gateway.feed import Feed, Work
from anlan.site.gateway.polling import Polling
from anlan.site.supervisor import free_port
from anlan.site.wires import modbus_address
from tests.cast import NOW, SYSTEM, Cast

pytestmark = pytest.mark.timeout(60)
WORDS = [1234, 0x71AC, 0x4208, 0xFFFE, 7]  # 12.34 m; 34.1110… as CDAB; −2; 7


def block(values: list[int]) -> Any:
    """Registers or bits from address 0 on (pymodbus counts from 1)."""
    return ModbusSequentialDataBlock(1, values)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def slave(port: int, words: list[int], number: int = 7) -> AsyncIterator[ModbusTcpServer]:
    """A Modbus RTU over TCP server of pymodbus: registers 0 … as given, bits 1 0 1."""
    registers = block(words)
    device = ModbusDeviceContext(hr=registers, ir=registers, di=block([1, 0, 1]))
    context = ModbusServerContext(devices={number: device}, single=False)
    server = ModbusTcpServer(context, framer=FramerType.RTU, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def described(port: int, **changed: Any) -> DeviceMap:
    points = [
        {"metric": "stage", "address": 0, "type": "uint16", "scale": 0.01},
        {"metric": "flow", "address": 1, "type": "float32", "order": "CDAB"},
        {"metric": "air.temperature", "function": 4, "address": 3},
        {"metric": "gate.open", "function": 2, "address": 2, "type": "bit"},
        {"metric": "beyond", "address": 900},
    ]
    given = {"host": "127.0.0.1", "port": port, "slave": 7, "interval_s": 1, "timeout_s": 0.3, "points": points}
    return DeviceMap.model_validate(given | changed)


class Heard:
    """Where messages go in tests of the poller alone; `full` refuses them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.full = False
        self.some = asyncio.Event()

    async def deliver(self, message: Message) -> bool:
        if not self.full:
            self.messages.append(message)
            self.some.set()
        return not self.full

    async def next(self) -> dict[str, float | None]:
        self.some.clear()
        await asyncio.wait_for(self.some.wait(), 10)
        return {sample.metric: sample.value for sample in self.messages[-1].samples}


def play(scenario: Callable[[Heard, Callable[[DeviceMap], Poller]], Awaitable[None]]) -> None:
    async def run() -> None:
        heard, tasks = Heard(), []

        def start(device: DeviceMap) -> Poller:
            made = Poller(modbus_address(device), device, lambda: datetime.now(UTC), heard.deliver)
            tasks.append(asyncio.create_task(made.run()))
            return made

        await scenario(heard, start)
        for task in tasks:
            task.cancel()

    asyncio.run(run())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "PAUSES_S", (0.1,))


def test_values_of_every_kind_and_what_the_device_refuses_is_left_out(quick: None) -> None:
    async def scenario(heard: Heard, start: Callable[[DeviceMap], Poller]) -> None:
        port = free_port("127.0.0.1", 0)
        async with slave(port, WORDS):
            poller = start(described(port))
            values = await heard.next()
        assert values["flow"] == pytest.approx(34.111, rel=1e-3)
        del values["flow"]
        assert values == {"stage": pytest.approx(12.34), "air.temperature": -2.0, "gate.open": 1.0}
        assert poller.asked.exceptions == 1
        assert "illegal data address" in poller.asked.last_error

    play(scenario)


def test_a_device_that_comes_later_goes_away_and_comes_back(quick: None) -> None:
    async def scenario(heard: Heard, start: Callable[[DeviceMap], Poller]) -> None:
        port = free_port("127.0.0.1", 0)
        poller = start(described(port))
        await asyncio.sleep(0.4)
        assert poller.asked.failures > 1
        async with slave(port, WORDS):
            assert (await heard.next())["stage"] == pytest.approx(12.34)
            assert poller.asked.failures == 0
        async with slave(port, [4321, *WORDS[1:]]):
            while (await heard.next())["stage"] != pytest.approx(43.21):
                pass
        assert poller.asked.connections >= 2

    play(scenario)


def test_silence_is_a_time_out_and_a_late_answer_is_never_taken_for_another(quick: None) -> None:
    """A device that answers the first request after the time-out: that connection is given up with its answer."""

    async def scenario(heard: Heard, start: Callable[[DeviceMap], Poller]) -> None:
        calls = 0

        async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal calls
            calls += 1
            await reader.read(100)
            await asyncio.sleep(0.5)
            writer.write(rtu.seal(bytes.fromhex("0703020001")))
            await reader.read(100)
            writer.close()

        server = await asyncio.start_server(late, "127.0.0.1", 0)
        poller = start(described(server.sockets[0].getsockname()[1]))
        while poller.asked.timeouts < 2:
            await asyncio.sleep(0.05)
        assert heard.messages == []
        assert calls >= 2  # a new connection for each try
        server.close()

    play(scenario)


def test_what_cannot_be_stored_waits_with_its_own_time(quick: None) -> None:
    async def scenario(heard: Heard, start: Callable[[DeviceMap], Poller]) -> None:
        port = free_port("127.0.0.1", 0)
        heard.full = True
        async with slave(port, WORDS):
            poller = start(described(port))
            while len(poller.waiting) < 2:
                await asyncio.sleep(0.05)
            first = poller.waiting[0].samples[0].at_ms
            heard.full = False
            await heard.next()
            assert heard.messages[0].samples[0].at_ms == first
            assert len({message.key for message in heard.messages}) == len(heard.messages)

    play(scenario)


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.both
def test_polled_values_go_through_the_pipeline_and_follow_the_device_list(at_now: Cast, quick: None) -> None:
    place: Place = at_now.places["YL1"]

    async def scenario() -> None:
        loop, stop, feed = asyncio.get_running_loop(), asyncio.Event(), Feed()
        await feed.start()
        polling = Polling(feed, settings.CONFIG.contact_s)
        feeding = asyncio.create_task(feed.run(stop))
        port = free_port("127.0.0.1", 0)
        device = described(port)

        def turn() -> None:
            for chore in feed.chores:
                chore.due = 0.0
            feed.turn(Work([], []))

        async def work(act: Callable[[], object]) -> None:
            await loop.run_in_executor(feed.thread, act)
            for _ in range(3):
                await loop.run_in_executor(feed.thread, turn)

        def stored() -> dict[str, float | None]:
            names = dict(Series.objects.values_list("id", "metric"))
            rows = Latest.objects.using(readings_alias()).values_list("series", "value")
            return {names[number]: value for number, value in rows}

        async def until(metric: str, value: float) -> None:
            while (await loop.run_in_executor(feed.thread, stored)).get(metric) != pytest.approx(value):
                await loop.run_in_executor(feed.thread, turn)
                await asyncio.sleep(0.05)

        async with slave(port, WORDS):
            await work(lambda: admit(SYSTEM, protocol="modbus", address=modbus_address(device), place=place,
                                     config=device.model_dump(mode="json"), now=NOW))  # fmt: skip
            await until("stage", 12.34)
            row = await loop.run_in_executor(feed.thread, Device.objects.select_related("place").get)
            finer = described(port, points=[{"metric": "stage", "address": 0, "scale": 0.001}])
            await work(lambda: configure(SYSTEM, row, config=finer.model_dump(mode="json"), now=NOW))
            await until("stage", 1.234)
            await work(lambda: disable(SYSTEM, row, now=NOW))
            assert polling.tasks == {}
        await polling.close()
        stop.set()
        await feeding
        await loop.run_in_executor(feed.thread, connections.close_all)

    asyncio.run(scenario())
    trouble = Trouble.objects.get()
    assert (trouble.kind, trouble.address) == ("unasked", Device.objects.get().address)
    assert "illegal data address" in trouble.other_peer
    contact = Contact.objects.using(readings_alias()).get(device=Device.objects.get().id)
    assert contact.frames >= 2
    assert standing() == []
