"""Readings into one gateway process on one core, end to end: the answer comes after the commit, and is counted then.

    python -m tests.bench.gateway [--quick] [--seconds N]

The gateway is held to one core; the senders run on the others, in a process of their own. Half of the series that are
pushed are judged (rain in sliding windows), half only stored. A county's gauges in a body, each series once a tick.
"""

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import httpx
import msgspec
import numpy as np
import psutil

from anlan.links.ingest import PACKED_TYPE, encode_packed
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.links.protocols.sl651.framing import FrameSplitter

from .address import address
from .load import Load
from .site import BenchSite, running

GAUGES, AREAS = 2000, 100
SENDERS = 4
BODY = 10_000
"""Readings of one body: twenty ticks of the gauges of one sender."""
STEP_MS = 5
"""Event time from tick to tick: many readings a second without running ahead of the site's clock."""
CONNECTIONS, FRAMES_EACH = 200, 30
CORE = 0


@dataclass
class Found:
    """One way in. per_s: units confirmed a second; took: seconds; core: share of the one core; waits: seconds of each
    request."""

    what: str
    unit: str
    per_s: float
    took: float
    core: float
    waits: list[float]


def pin(site: BenchSite) -> psutil.Process:
    """Hold the gateway to one core; with only one in the machine the senders share it."""
    process = psutil.Process(site.processes["gateway"].pid)
    if (os.cpu_count() or 1) > 1:
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {CORE})
        os.sched_setaffinity(process.pid, {CORE})
    return process


def token_of(site: BenchSite) -> str:
    """A token for all pushing devices of the net."""
    command = [sys.executable, "-m", "tests.bench.net", "--token"]
    return subprocess.run(command, env=site.environment(), check=True, capture_output=True, text=True).stdout.strip()


def bodies(packed: bool, sender: int, start_ms: int) -> Callable[[int], bytes]:
    """A maker of one sender's bodies: the n-th holds twenty ticks of its own gauges, a step apart."""
    mine = range(sender, GAUGES // 2, SENDERS)
    names = [f"P{n}/{metric}" for n in mine for metric in ("rain.accumulated", "level")]
    ticks = BODY // len(names)
    series = np.tile(np.arange(len(names), dtype=np.int32), ticks)
    steps = np.repeat(np.arange(ticks), len(names))

    def make(number: int) -> bytes:
        times = start_ms + STEP_MS * (number * ticks + steps)
        values = np.round(np.where(series % 2, 3.21, 0.1 * ((times // 600_000) % 900)), 1)
        if packed:
            return encode_packed(names, series, times, values)
        return msgspec.json.encode({"series": names, "s": series.tolist(), "t": times.tolist(), "v": values.tolist()})

    return make


@dataclass
class Share:
    """What the gateway took of its core between `begin` and `end`."""

    process: psutil.Process
    used: float = 0.0
    at: float = 0.0

    def begin(self) -> None:
        self.used, self.at = self._cpu(), time.monotonic()

    def end(self) -> tuple[float, float]:
        """Seconds that passed, and the share of them."""
        took = time.monotonic() - self.at
        return took, (self._cpu() - self.used) / took

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


async def push(site: BenchSite, share: Share, token: str, packed: bool, seconds: float, start_ms: int) -> Found:
    """Each sender posts its next body as soon as the last was confirmed."""
    headers = {"authorization": f"Bearer {token}", "content-type": PACKED_TYPE if packed else "application/json"}
    url = f"http://127.0.0.1:{site.ingest_port}/ingest/v1/readings"
    waits: list[float] = []
    done = 0

    async def send(client: httpx.AsyncClient, make: Callable[[int], bytes], until: float) -> None:
        nonlocal done
        for number in itertools.count(1):
            if time.monotonic() > until:
                return
            body, begin = make(number), time.monotonic()
            answer = await client.post(url, content=body, headers=headers)
            answer.raise_for_status()
            waits.append(time.monotonic() - begin)
            done += answer.json()["stored"]

    makers = [bodies(packed, sender, start_ms) for sender in range(SENDERS)]
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for make in makers:
            (await client.post(url, content=make(0), headers=headers)).raise_for_status()  # series are opened
        await asyncio.sleep(4)  # and planned
        share.begin()
        await asyncio.gather(*(send(client, make, time.monotonic() + seconds) for make in makers))
        took, core = share.end()
    return Found("packed binary" if packed else "JSON columns", "readings", done / took, took, core, waits)


class Station(asyncio.Protocol):
    """One connection: the next frame goes out when the last was confirmed."""

    def __init__(self, frames: list[bytes], over: "asyncio.Future[None]", waits: list[float]) -> None:
        self.frames, self.over, self.waits = iter(frames), over, waits
        self.splitter = FrameSplitter()
        self.until = float("inf")
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def go(self) -> None:
        self.sent = time.monotonic()
        frame = next(self.frames, None) if self.sent < self.until else None
        if frame is not None:
            self.transport.write(frame)
        elif not self.over.done():
            self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        for _answer in self.splitter.feed(data):
            self.waits.append(time.monotonic() - self.sent)
            self.go()


def frames_of(site: BenchSite, connection: int) -> list[bytes]:
    """Every gauge of a connection, minute after minute of event time, from a little in the past on."""
    begin = site.clock.now().astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=9)
    found = []
    for turn in range(FRAMES_EACH):
        at = begin + timedelta(minutes=turn)
        parts = [element("22", 0.0, 2, 1), element("26", 100.0, 3, 1), element("38", 12.6, 2, 2)]
        found += [
            up_frame(address(gauge), "33", serial=at.minute + 1, sent=at, observed=at, elements=parts)
            for gauge in range(connection, site.gauges, CONNECTIONS)
        ]
    return found


async def frames(site: BenchSite, share: Share, seconds: float) -> Found:
    """True SL 651 frames over TCP, each confirmed before the next of its connection."""
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    stations = []
    for connection in range(CONNECTIONS):
        ready = frames_of(site, connection)
        station = Station(ready, loop.create_future(), waits)
        await loop.create_connection(lambda: station, "127.0.0.1", site.port)  # noqa: B023
        stations.append(station)
    share.begin()
    for station in stations:
        station.until = time.monotonic() + seconds
        station.go()
    await asyncio.gather(*(station.over for station in stations))
    took, core = share.end()
    for station in stations:
        station.transport.close()
    return Found("SL 651 frames", "frames", len(waits) / took, took, core, waits)


def measure(seconds: float, repeats: int) -> list[Found]:
    """Every way in by turns; each repeat on a site of its own, for the kernel keeps 26 hours of readings."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "site", GAUGES, AREAS, "gateway") as site:
            found += _once(site, seconds)
    return sorted(found, key=lambda one: one.what)


def _once(site: BenchSite, seconds: float) -> list[Found]:
    share, token = Share(pin(site)), token_of(site)
    asyncio.run(Load(site.port, site.clock, GAUGES, CONNECTIONS).run(120, 0, once=True))  # series are opened
    time.sleep(4)  # and planned
    found = []
    for packed in (False, True):
        start_ms = round(site.clock.now().timestamp() * 1000)
        found.append(asyncio.run(push(site, share, token, packed, seconds, start_ms)))
    found.append(asyncio.run(frames(site, share, seconds)))
    stored = int(str(site.ask("select sum(count) from sensing_block", "readings")[0][0]))
    confirmed = sum(round(one.per_s * one.took) * (3 if one.unit == "frames" else 1) for one in found)
    if stored < confirmed:
        raise RuntimeError(f"{confirmed} readings were confirmed, {stored} are stored")
    return found


def at_percent(values: list[float], percent: float) -> float:
    ranked = sorted(values)
    return 1000 * ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] if ranked else float("nan")


def lines(found: list[Found]) -> list[str]:
    """The rows of the table."""
    rows = ["| way in | confirmed | of the one core | answer p50 / p99 ms |", "|---|---|---|---|"]
    for one in found:
        waits = f"{at_percent(one.waits, 50):,.0f} / {at_percent(one.waits, 99):,.0f}"
        rows.append(f"| {one.what} | **{one.per_s:,.0f}** {one.unit}/s | {one.core:.0%} | {waits} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.gateway")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print("\n".join(lines(measure(arguments.seconds, arguments.repeats))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
