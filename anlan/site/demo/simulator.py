"""The demo's gauges: true SL 651 frames over TCP on the site's own clock, one connection a station.

A station keeps a frame until the centre has confirmed it, and sends it again over a new connection when it has not.
The simulator also sets the demo's pace: fast while nothing is open, slow while somebody is being called.
"""

import asyncio
import contextlib
import json
import logging
import signal
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from asgiref.sync import sync_to_async

from anlan.base.places.models import Place
from anlan.kernel.clock import BEIJING, SiteClock
from anlan.kernel.modes import Mode
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, observed, reply_frame, up_frame
from anlan.links.protocols.sl651.frame import Frame
from anlan.links.protocols.sl651.framing import ENQ, FrameSplitter
from anlan.loop.alarms.models import Alarm
from anlan.loop.calls.queries import anybody_being_called
from anlan.site.config import Config

from .storm import STEP_S, Storm, accumulated, stage

KEEP_FRAMES = 288
ANSWER_S = 5.0
HOURS_ASKED = 72
log = logging.getLogger("anlan.simulator")


@dataclass
class Weather:
    """The storms so far, kept in `storm.json` so that a restart goes on with the same rain."""

    path: Path
    storms: list[Storm] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> "Weather":
        if not path.exists():
            return cls(path)
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(path, [Storm(start, seed) for start, seed in stored["storms"]])

    def begin(self, at: float) -> None:
        """Start a storm at the next step, unless one is under way."""
        if self.storms and at < self.storms[-1].end:
            return
        self.storms.append(Storm((int(at) // STEP_S + 1) * STEP_S, 7 + len(self.storms)))

    def write(self, phase: str) -> None:
        last = self.storms[-1] if self.storms else None
        text = json.dumps(
            {
                "storms": [[storm.start, storm.seed] for storm in self.storms],
                "phase": phase,
                "started_at": last.start if last else None,
                "ends_at": last.end if last else None,
            }
        )
        scratch = self.path.with_suffix(".tmp")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(self.path)


@dataclass
class Station:
    """One gauge or river station: its frames that wait for confirmation."""

    address: str
    lon: float
    lat: float
    river: bool
    serial: int = 0
    waiting: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEEP_FRAMES))
    more: asyncio.Event = field(default_factory=asyncio.Event)
    clock: SiteClock | None = None
    storms: list[Storm] = field(default_factory=list)
    newest: list[bytes] = field(default_factory=list)

    def observe(self, storms: list[Storm], at: int) -> None:
        """Make the report of one step: every 5 minutes an added report, on the full hour the hourly one."""
        moment = datetime.fromtimestamp(at, UTC)
        self.serial = self.serial % 65535 + 1
        total = accumulated(storms, self.lon, self.lat, at)
        hourly = at % 3600 == 0
        parts = []
        if hourly:
            steps = [_rain(storms, self.lon, self.lat, at - STEP_S * back) for back in range(11, -1, -1)]
            parts.append(element("F4", steps))
        else:
            parts.append(element("22", _rain(storms, self.lon, self.lat, at), 2, 1))
        parts.append(element("26", total, 3, 1))
        if self.river:
            parts.append(element("39", stage(storms, self.lon, self.lat, at), 4, 3))
        parts.append(element("38", 12.6, 2, 2))
        self.storms, self.newest = storms, [observed(moment), *parts]
        self.waiting.append(
            up_frame(
                self.address,
                "34" if hourly else "33",
                serial=self.serial,
                sent=moment,
                observed=moment,
                elements=parts,
                station_type="48" if self.river else "50",
            )
        )
        self.more.set()

    async def talk(self, host: str, port: int) -> None:
        """Connect, send what waits, wait for each confirmation; for ever, over as many connections as it takes."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    await self._over(reader, writer)
                finally:
                    writer.close()
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.5)

    async def _over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()
        listening = asyncio.ensure_future(self._listen(reader, writer, heard))
        try:
            while True:
                while not self.waiting:
                    self.more.clear()
                    more = asyncio.ensure_future(self.more.wait())
                    await asyncio.wait((more, listening), return_when=asyncio.FIRST_COMPLETED)
                    more.cancel()
                    if listening.done():
                        listening.result()
                frame = self.waiting[0]
                writer.write(frame)
                await writer.drain()
                await asyncio.wait_for(self._confirmed(heard, decode(frame).serial), ANSWER_S)
                if self.waiting and self.waiting[0] is frame:
                    self.waiting.popleft()
        finally:
            listening.cancel()

    async def _confirmed(self, heard: "asyncio.Queue[str]", serial: str) -> None:
        while (said := await heard.get()) != serial:
            if not said:
                raise OSError("the centre hung up")

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: "asyncio.Queue[str]"
    ) -> None:
        """What the centre says: confirmations go on, requests are answered at once."""
        splitter = FrameSplitter()
        try:
            while chunk := await reader.read(4096):
                for data in splitter.feed(chunk):
                    said = decode(data)
                    if said.etx == ENQ:
                        writer.write(self.answer(said))
                        await writer.drain()
                    else:
                        heard.put_nowait(said.serial)
        finally:
            heard.put_nowait("")  # whoever waits for a confirmation hears that none will come
        raise OSError("the centre hung up")

    def answer(self, asked: Frame) -> bytes:
        """The station's answer to a request: its newest values, or five-minute rain of whole hours."""
        sent = self.clock.now() if self.clock is not None else datetime.now(UTC)
        parts = self.newest
        if asked.func == "38" and asked.begin is not None and asked.end is not None:
            begin, parts = asked.begin.replace(tzinfo=BEIJING), []
            for hour in range(min(int((asked.end - asked.begin).total_seconds()) // 3600, HOURS_ASKED)):
                first = int(begin.timestamp()) + 3600 * hour + STEP_S
                steps = [_rain(self.storms, self.lon, self.lat, first + STEP_S * n) for n in range(12)]
                parts += [observed(datetime.fromtimestamp(first, UTC)), element("F4", steps)]
        return reply_frame(asked, sent=sent, elements=parts, station_type="48" if self.river else "50")


def _rain(storms: list[Storm], lon: float, lat: float, at: int) -> float:
    return max((storm.rain(lon, lat, at) for storm in storms), default=0.0)


def _stations() -> list[Station]:
    places = Place.objects.filter(kind__in=("rain_gauge", "river_station"), mode=Mode.DRILL).order_by("code")
    return [Station(p.attributes["station"], p.lon, p.lat, p.kind == "river_station") for p in places]


class Conductor:
    """Sets the pace and starts storms when asked."""

    def __init__(self, conf: Config, clock: SiteClock) -> None:
        self.conf, self.clock, self.folder = conf, clock, conf.data
        self.weather = Weather.load(self.folder / "storm.json")
        self.phase = ""

    def turn(self) -> None:
        """Look once at requests, calls and alarms; change the clock's rate only when the answer changes."""
        request = self.folder / "storm_requested"
        if request.exists():
            self.weather.begin(self.clock.now().timestamp())
            request.unlink()
            self.phase = ""
        phase, rate = self._pace()
        speed = self.folder / "speed"
        if speed.exists():
            rate = float(speed.read_text(encoding="ascii"))
        if abs(self.clock.state().rate - rate) > 1e-9:
            self.clock.set_rate(rate)
        if phase != self.phase:
            self.phase = phase
            self.weather.write(phase)

    def _pace(self) -> tuple[str, float]:
        storm = self.weather.storms[-1] if self.weather.storms else None
        if storm is None:
            return "calm", 1.0
        if anybody_being_called(Mode.DRILL):
            return "calling", self.conf.demo_rate_open
        if self.clock.now().timestamp() < storm.end:
            return "raining", self.conf.demo_rate_fast
        active = Alarm.objects.filter(
            mode=Mode.DRILL, cleared_at__isnull=True, eased_at__isnull=True, incident__isnull=False
        )
        return ("easing", self.conf.demo_rate_fast) if active.exists() else ("over", 1.0)


async def _run(conf: Config, stations: list[Station]) -> None:
    clock = SiteClock(conf.data / "clock.json")
    conductor = Conductor(conf, clock)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    talks = [asyncio.ensure_future(station.talk(conf.sl651_host, conf.sl651_port)) for station in stations]
    step = int(clock.now().timestamp()) // STEP_S * STEP_S
    for station in stations:
        station.clock = clock
        station.observe(conductor.weather.storms, step)
    while not stop.is_set():
        await sync_to_async(conductor.turn, thread_sensitive=True)()
        now = clock.now().timestamp()
        while step + STEP_S <= now:
            step += STEP_S
            for station in stations:
                station.observe(conductor.weather.storms, step)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(0.3, max(0.02, clock.real_seconds(step + STEP_S - now))))
    for talk in talks:
        talk.cancel()


def run_simulator(conf: Config) -> None:
    """Send frames until SIGTERM."""
    stations = _stations()
    log.info("simulator: %s stations → %s:%s", len(stations), conf.sl651_host, conf.sl651_port)
    asyncio.run(_run(conf, stations))
