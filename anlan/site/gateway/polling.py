"""The devices that are asked: one task each, started and stopped as the device list says. Never: reading a register."""

import asyncio
import contextlib
import logging
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from anlan.base.journal.models import Entry
from anlan.kernel.actor import system_actor
from anlan.links.protocols.contract import Message
from anlan.links.protocols.modbus.poller import Poller
from anlan.links.protocols.modbus.registers import DeviceMap
from anlan.loop.alarms.pipeline import Heard
from anlan.loop.sensing.contacts import Found, Touched, note_trouble, write_contacts
from anlan.loop.sensing.models import Device

from .feed import Chore, Feed

PROTOCOL = "modbus"
CHANGES = (
    "sensing.device_registered", "sensing.device_reinstated", "sensing.device_disabled", "sensing.device_configured",
)  # fmt: skip
log = logging.getLogger("anlan.gateway")


class Polling:
    """All polled devices. `look` and `write` are for the pipeline's thread, the rest for the event loop."""

    def __init__(self, feed: Feed, contact_s: float) -> None:
        self.feed = feed
        self.loop = asyncio.get_running_loop()
        self.tasks: dict[str, tuple[DeviceMap, asyncio.Task[None]]] = {}
        self.touched: dict[str, Touched] = {}
        self.found: dict[str, Found] = {}
        self.change = ""
        feed.chores.append(Chore("polled devices", 1.0, self.look))
        feed.chores.append(Chore("contacts of polled devices", contact_s, self.write))

    def look(self, _now: datetime) -> None:
        """Read the devices again where the journal says that one changed."""
        newest = str(Entry.objects.filter(kind__in=CHANGES).order_by("-id").values_list("id", flat=True).first())
        if newest == self.change:
            return
        wanted: dict[str, DeviceMap] = {}
        known = True
        for device in Device.objects.in_use().filter(protocol=PROTOCOL).exclude(config={}):
            known = known and device.id in self.feed.pipeline.by_id  # it hears of the device within two seconds
            try:
                wanted[device.address] = DeviceMap.model_validate(device.config)
            except ValidationError as error:
                log.warning("device %s cannot be asked: %s", device.address, error.errors()[0]["msg"])
        if known:
            self.loop.call_soon_threadsafe(self.follow, wanted)
            self.change = newest

    def follow(self, wanted: dict[str, DeviceMap]) -> None:
        """Start, stop and start anew, so that exactly these are asked, as they are described now."""
        for address, (device, task) in list(self.tasks.items()):
            if wanted.get(address) != device:
                task.cancel()
                del self.tasks[address]
        for address, device in wanted.items():
            if address not in self.tasks:
                poller = Poller(address, device, self.feed.clock.now, self.deliver, wrong=partial(self.wrong, address))
                self.tasks[address] = device, asyncio.create_task(poller.run())

    async def deliver(self, message: Message) -> bool:
        """Through the one pipeline; True once it is stored."""
        if self.feed.full:
            return False
        stored: asyncio.Future[bool] = self.loop.create_future()
        device = self.feed.pipeline.devices.get((PROTOCOL, message.station))

        def done(accepted: bool) -> None:
            if not stored.done():
                stored.set_result(accepted)

        self.feed.hear(Heard(PROTOCOL, message, message.station), done)
        accepted = await stored
        if accepted and device is not None:
            one = self.touched.setdefault(str(device.id), Touched(str(device.id), self.feed.clock.now(), ""))
            one.at, one.peer, one.frames = self.feed.clock.now(), message.station, one.frames + 1
        return accepted

    def wrong(self, address: str, error: str) -> None:
        """Asking failed: shown with its count and the last reason."""
        now = self.feed.clock.now()
        found = self.found.get(address)
        if found is None:
            found = self.found[address] = Found("unasked", PROTOCOL, address, "", error, now, now, 0)
        found.count, found.last_at, found.other_peer = found.count + 1, now, error

    def write(self, _now: datetime) -> None:
        touched, self.touched = self.touched, {}
        found, self.found = self.found, {}
        if touched:
            write_contacts(list(touched.values()))
        for one in list(found.values()):
            note_trouble(system_actor("gateway", self.feed.pipeline.mode), one)

    async def close(self) -> None:
        for _device, task in self.tasks.values():
            task.cancel()
        for _device, task in self.tasks.values():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.tasks.clear()
