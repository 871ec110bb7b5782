"""`make soak`: the demo through one storm after another, watching what each process holds and whether anybody fails.

    python -m tests.bench.soak [--minutes 30]

Status 1 when a process died, an error was logged, the journal does not verify, or memory kept growing: the mean of the
last third of the samples is more than a tenth (and 30 MB) over that of the middle third. What each process first needs
to warm up is not counted.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import psutil

SAMPLE_S = 5.0
GROWTH, GROWTH_MB = 0.10, 30.0
NAMES = ("granian", "gateway", "worker", "simulate", "tools.phones")


def grows(samples: Sequence[float]) -> bool:
    """Whether memory (MB, in order of time) still rises when it should have settled."""
    third = len(samples) // 3
    if third < 3:
        return False
    middle = sum(samples[third : 2 * third]) / third
    last = sum(samples[2 * third :]) / len(samples[2 * third :])
    return last > middle * (1 + GROWTH) and last > middle + GROWTH_MB


def _held(root: int) -> dict[str, float]:
    """MB held by each process of the site, workers of the web server together."""
    found: dict[str, float] = defaultdict(float)
    for one in psutil.Process(root).children(recursive=True):
        try:
            line = " ".join(one.cmdline())
            name = next((name for name in NAMES if name in line), "other")
            found[name] += one.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            continue
    return found


def _environment(folder: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    pace = {"ANLAN_DEMO_RATE_OPEN": "30", "ANLAN_DEMO_RATE_FAST": "600"}
    return (
        clean | pace | {"ANLAN_DATA": str(folder), "ANLAN_PORT": "0", "ANLAN_SL651_PORT": "0", "ANLAN_INGEST_PORT": "0"}
    )


def run(minutes: float, folder: Path) -> int:
    """Start, let it rain again and again, stop, tell. Returns the exit code."""
    log = folder / "log"
    samples: dict[str, list[float]] = defaultdict(list)
    with log.open("wb") as out, subprocess.Popen(
        [sys.executable, "-m", "anlan.site.cli", "up"], env=_environment(folder), stdout=out, stderr=out
    ) as process:  # fmt: skip
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end and process.poll() is None:
            time.sleep(SAMPLE_S)
            site = folder / "demo-001"
            if (site / "gateway_ready").exists():
                (site / "storm_requested").touch()  # heard once the storm that is under way has ended
                for name, megabytes in _held(process.pid).items():
                    samples[name].append(megabytes)
        died = process.poll() is not None
        process.send_signal(signal.SIGINT)
        process.wait(30)
    told = log.read_text(encoding="utf-8")
    verified = subprocess.run(
        [sys.executable, "-m", "anlan.site.cli", "journal", "verify"],
        env=_environment(folder / "demo-001"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = [name for name, held in samples.items() if grows(held)]
    for name, held in sorted(samples.items()):
        print(f"{name:14} {held[0]:6.0f} MB at first, {held[-1]:6.0f} at last, {max(held):6.0f} at most")
    print(verified.stdout.strip())
    for wrong, words in (
        (died, "the site ended by itself"),
        ("Traceback" in told, "an error was logged:\n" + told[told.find("Traceback") :][:2000]),
        ("重新启动" in told, "a process died and was started again"),
        (verified.returncode != 0, "the journal does not verify"),
        (bool(faults), f"memory kept growing: {', '.join(faults)}"),
    ):
        if wrong:
            print(f"✗ {words}", file=sys.stderr)
    return int(died or "Traceback" in told or "重新启动" in told or verified.returncode != 0 or bool(faults))


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--minutes", type=float, default=30)
    with tempfile.TemporaryDirectory() as folder:
        return run(parser.parse_args().minutes, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
