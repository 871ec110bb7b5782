"""The demo's weather: one storm that moves over the county. Pure: a place and a time in, millimetres out."""

import math
import random
from dataclasses import dataclass

STEP_S = 300
CORE_KM = 7.0
PEAK_MM_H = 78.0
LENGTH_S = 100 * 60
TRACK = ((113.48, 35.99), (113.68, 35.89))


@dataclass(frozen=True)
class Storm:
    """A storm that began at `start` (site Unix seconds, a multiple of STEP_S)."""

    start: int
    seed: int = 7

    @property
    def end(self) -> int:
        return self.start + LENGTH_S

    def core(self, at: float) -> tuple[float, float]:
        """Where the core is: it crosses the track once in LENGTH_S. Degrees lon, lat."""
        share = min(max((at - self.start) / LENGTH_S, 0.0), 1.0)
        (x0, y0), (x1, y1) = TRACK
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    def rain(self, lon: float, lat: float, at: int) -> float:
        """Rain of the STEP_S before `at` at a point, mm, in tenths as a tipping gauge tells it."""
        middle = at - STEP_S / 2
        if not self.start < middle < self.end:
            return 0.0
        x, y = self.core(middle)
        km = math.hypot((lon - x) * 90.1, (lat - y) * 111.2)
        life = math.sqrt(math.sin(math.pi * (middle - self.start) / LENGTH_S))
        noise = random.Random(f"{self.seed}:{lon:.3f}:{lat:.3f}:{at}").uniform(0.85, 1.15)  # noqa: S311
        return round(PEAK_MM_H / 12 * life * math.exp(-((km / CORE_KM) ** 2)) * noise, 1)


def accumulated(storms: list[Storm], lon: float, lat: float, at: int) -> float:
    """The counter of a gauge at `at`: what every storm so far has dropped on it, mm. The same after any restart."""
    total = 0.0
    for storm in storms:
        total += sum(
            storm.rain(lon, lat, t) for t in range(storm.start + STEP_S, min(at, storm.end + STEP_S) + 1, STEP_S)
        )
    return round(total, 1)


def stage(storms: list[Storm], lon: float, lat: float, at: int) -> float:
    """River stage at a point, m: rain of the hour before last, through a triangular unit hydrograph of three hours."""
    base, flow = 1.2, 0.0
    for storm in storms:
        for back in range(0, 3 * 3600, STEP_S):
            weight = 1 - abs(back - 4500) / 6300
            if weight > 0:
                flow += weight * storm.rain(lon, lat, at - back)
    return round(base + 0.035 * flow, 2)
