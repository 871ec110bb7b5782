"""`make bench`: measure everything and write the tables of docs/performance.md between its marks.

    python -m tests.bench [--quick]

Takes about five minutes; the figures are of the machine it runs on. Nothing is written when an alarm was wrong.
"""

import argparse
import os
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numba
import numpy as np

from . import gateway, kernel, latency, readings, start
from .load import READINGS_PER_FRAME
from .page import write
from .site import running

GAUGES, AREAS = 4000, 100
OFFERED = 2000.0


def machine() -> list[str]:
    """What the figures are of."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    load = os.getloadavg()[0]
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({model[1] if model else '?'}), "
        f"{int(memory[1]) // 2**20 if memory else 0} GiB, Python {platform.python_version()}, numpy {np.__version__}, "
        f"numba {numba.__version__}, SQLite files on the temporary folder's disk; load before the run {load:.1f}."
    ]


def ways_in(quick: bool) -> list[str]:
    """Readings and frames a second into one gateway process on one core."""
    return gateway.lines(gateway.measure(3 if quick else 5, 1 if quick else 3))


def latencies(quick: bool) -> list[str]:
    """Reading → alarm and → first dial under a steady load."""
    names = ("phones", "gateway", "worker")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "site", GAUGES, AREAS, *names) as site:
        found = latency.measure(site, OFFERED, 40 if quick else 70)
    rows = [
        f"Offered {found.offered:,.0f} readings/s ({found.offered / READINGS_PER_FRAME:,.0f} frames/s), taken "
        f"{found.taken:,.0f}; {found.asked} danger areas went over their limit in turn.",
        "",
        "| from sending the deciding reading to | seen | p50 ms | p90 ms | p99 ms | most ms |",
        "|---|---|---|---|---|---|",
    ]
    for name, values, asked in (
        ("its confirmation (any frame)", found.answer, len(found.answer)),
        ("its alarm, committed", found.alarm, found.asked),
        ("the first dial about it, at the telephone company", found.dial, found.asked),
    ):
        figures = " | ".join(f"{latency.at_percent(values, p):,.0f}" for p in (50, 90, 99, 100))
        rows.append(f"| {name} | {len(values):,} of {asked:,} | {figures} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    write("machine", machine())
    write("start", start.lines(*start.measure(1 if quick else 5)))
    judged = [kernel.measure(case, 2 if quick else 5) for case in kernel.CASES]
    if any(found.wrong for found in judged):
        print("the judges disagree with the truth", file=sys.stderr)
        return 1
    write("kernel", kernel.lines(judged))
    write("gateway", ways_in(quick))
    write("latency", latencies(quick))
    write("readings", readings.lines(readings.SMALL // (10 if quick else 1)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
