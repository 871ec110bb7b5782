"""How long `anlan up` takes to its first line: into an empty folder, and again on what it left there."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def once(folder: Path) -> float:
    """Seconds from the command to the line with the address."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    environment = clean | {
        "ANLAN_DATA": str(folder),
        "ANLAN_PORT": "0",
        "ANLAN_SL651_PORT": "0",
        "ANLAN_INGEST_PORT": "0",
    }
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "anlan.site.cli", "up"], env=environment, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.monotonic() - began
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        process.wait(30)
    if not line.startswith("安澜 http"):
        raise RuntimeError(f"no address: {line!r}")
    return took


def measure(repeats: int) -> tuple[list[float], list[float]]:
    """First and second start, by turns, each pair in a folder of its own. Seconds."""
    first, second = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            first.append(once(Path(folder)))
            second.append(once(Path(folder)))
    return first, second


def lines(first: list[float], second: list[float]) -> list[str]:
    """The rows of the table."""
    rows = ["| start | runs | median s | least–most s |", "|---|---|---|---|"]
    for name, found in (("first, the demo county is laid", first), ("second, on the same folder", second)):
        middle = sorted(found)[len(found) // 2]
        rows.append(f"| {name} | {len(found)} | {middle:.1f} | {min(found):.1f}–{max(found):.1f} |")
    return rows
