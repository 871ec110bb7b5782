"""A store of years and its charts: the size of a reading, the time of a day's and a year's chart, folding's writes.

The store is laid by writing chunks and roll-ups as folding would (one day of one series a row; five-minute readings:
one half of the series running totals of rain, one half stages in centimetres); folding is measured on true blocks.

    python -m tests.bench.readings [--readings N] [--write]     100,000,000 = the size of the aim; else ten million

--write puts the tables into docs/performance.md as those of the full size (`make bench` writes those of ten million).
"""

import argparse
import os
import subprocess
import sys
import tempfile

from .page import write

SMALL = 10_000_000
DAYS = 365


def lines(readings: int) -> list[str]:
    """The tables, measured by a process of its own on a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
        environment = {**kept, "ANLAN_DATA": folder, "DJANGO_SETTINGS_MODULE": "anlan.site.settings"}
        subprocess.run([sys.executable, "-m", "anlan.site.cli", "migrate"], env=environment, check=True)
        command = [sys.executable, "-m", "tests.bench.readings_store", str(readings), str(DAYS)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().split("\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.readings")
    parser.add_argument("--readings", type=int, default=SMALL)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = lines(asked.readings)
    if asked.write:
        write("years", found)
    else:
        print("\n".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
