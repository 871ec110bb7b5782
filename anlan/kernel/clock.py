"""Time is an argument: whoever starts a command reads the clock once and hands `now` on.

A real site runs on the machine's clock. A demo site has a clock of its own, kept in one small file that every process
(web, gateway, worker, phones, simulator) reads, so all of them agree and a storm of hours can be watched in minutes.
"""

import json
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock(Protocol):
    """Tells the site's time, aware and in UTC, and how long a stretch of it lasts in real seconds."""

    def now(self) -> datetime: ...

    def real_seconds(self, site_seconds: float) -> float: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real_seconds(self, site_seconds: float) -> float:
        return site_seconds


@dataclass(frozen=True)
class ClockState:
    """site time = site_base + (real time − real_base) × rate; all in Unix seconds."""

    real_base: float
    site_base: float
    rate: float

    def at(self, real: float) -> float:
        return self.site_base + (real - self.real_base) * self.rate


class SiteClock:
    """A demo site's clock: one file, written atomically, read again at most every 50 ms of real time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state: ClockState | None = None
        self._read_at = 0.0

    def state(self) -> ClockState:
        monotonic = time.monotonic()
        if self._state is None or monotonic - self._read_at > 0.05:
            self._state = ClockState(**json.loads(self.path.read_text(encoding="utf-8")))
            self._read_at = monotonic
        return self._state

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.state().at(time.time()), UTC)

    def real_seconds(self, site_seconds: float) -> float:
        return site_seconds / self.state().rate

    def set_rate(self, rate: float) -> None:
        """Change the speed without a jump. rate: site seconds per real second, > 0."""
        if not rate > 0:
            raise ValueError(f"clock rate must be > 0, got {rate}")
        real = time.time()
        self.start(self.state().at(real), rate, real)

    def start(self, site: float, rate: float, real: float | None = None) -> None:
        """Begin (or begin again) at `site` Unix seconds."""
        state = ClockState(time.time() if real is None else real, site, rate)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".clock")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state.__dict__, file)
        os.replace(name, self.path)
        self._state, self._read_at = state, time.monotonic()


def open_clock(path: Path) -> Clock:
    """The clock of the site whose clock file is `path`: its own where the file exists, else the machine's."""
    return SiteClock(path) if path.exists() else SystemClock()


def beijing(moment: datetime) -> datetime:
    """The same moment as people in the county read it."""
    return moment.astimezone(BEIJING)
