"""From a reading to its committed alarm, and to the first dial at the telephone company, under a steady offered load.

All on one machine's clock: the client notes when it sent the deciding frame; a thread watches the site's files and the
company's file, and notes when a row can first be read. Its pause is part of the figure.
"""

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .load import READINGS_PER_FRAME, Load
from .site import BenchSite

PAUSE_S = 0.004
JUMP_MM = 50.0


@dataclass
class Latencies:
    """Seconds from sending, one for each danger area; missing = how many never came."""

    offered: float
    taken: float
    answer: list[float]
    alarm: list[float]
    dial: list[float]
    asked: int
    behind_s: float


class Watcher(threading.Thread):
    """Notes when each row of a query is first seen; asks again only when the file has changed."""

    def __init__(self, path: Path, sql: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.path, self.sql, self.stopping = path, sql, stop
        self.seen: dict[str, float] = {}

    def run(self) -> None:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as found:
            version = -1
            while not self.stopping.wait(PAUSE_S):
                (now,) = found.execute("pragma data_version").fetchone()
                if now == version:
                    continue
                version = now
                at = time.monotonic()
                for (name,) in found.execute(self.sql).fetchall():
                    self.seen.setdefault(str(name), at)


ALARMS = (
    "select place.code from alarms_alarm alarm join places_place place on place.id = alarm.place_id"
    " where alarm.rule = 'urn:anlan:rules:danger-area-rain' and place.code like 'NETWX%'"
)
DIALLED = (
    "select place.code, attempt.id from calls_attempt attempt"
    " join calls_call_places link on link.call_id = attempt.call_id"
    " join places_place place on place.id = link.place_id where place.code like 'NETWX%'"
)


def measure(site: BenchSite, readings_per_s: float, seconds: float) -> Latencies:
    """Every gauge once, then the steady load; one danger area after the other goes over its limit."""
    return asyncio.run(_measure(site, readings_per_s, seconds))


async def _measure(site: BenchSite, readings_per_s: float, seconds: float) -> Latencies:
    rate = readings_per_s / READINGS_PER_FRAME
    warm = Load(site.port, site.clock, site.gauges, 200)
    await warm.run(240, 0, once=True)
    await asyncio.sleep(5)
    load = Load(site.port, site.clock, site.gauges, 100, minutes=warm.minutes)
    stop = threading.Event()
    alarms = Watcher(site.folder / "record.sqlite3", ALARMS, stop)
    dials = Watcher(site.folder / "phones" / "phones.sqlite3", "select key from calls", stop)
    for watcher in (alarms, dials):
        watcher.start()
    running = asyncio.ensure_future(load.run(seconds, rate))
    round_s = site.gauges / rate
    for area in range(site.areas):
        await asyncio.sleep((seconds - round_s - 8) / site.areas)
        load.trigger[area] = JUMP_MM
    taken = await running
    await asyncio.sleep(10)
    stop.set()
    first: dict[str, float] = {}
    for code, attempt in site.ask(DIALLED):
        key = str(attempt).replace("-", "")
        rung = {name.replace("-", ""): at for name, at in dials.seen.items()}.get(key)
        if rung is not None:
            first[str(code)] = min(first.get(str(code), rung), rung)
    names = {area: f"NETWX{area:06d}" for area in load.sent_at}
    return Latencies(
        offered=readings_per_s,
        taken=load.confirmed * READINGS_PER_FRAME / taken,
        answer=load.waits,
        alarm=[alarms.seen[names[a]] - at for a, at in load.sent_at.items() if names[a] in alarms.seen],
        dial=[first[names[a]] - at for a, at in load.sent_at.items() if names[a] in first],
        asked=len(load.sent_at),
        behind_s=load.late,
    )


def at_percent(values: list[float], percent: float) -> float:
    """Nearest-rank percentile in milliseconds; NaN of nothing."""
    ranked = sorted(values)
    return 1000 * ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] if ranked else float("nan")
