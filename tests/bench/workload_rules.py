"""Writes workload-rules.yaml, and turns readings of the neutral alarm workload into the file that `anlan replay` reads.

    python -m tests.bench.workload_rules DIR [--sensors N --ticks N --seed N]

DIR: gets readings.csv and truth.jsonl (rule, place, device, tick raised, tick cleared or null).
"""

import argparse
import csv
import json
from importlib import import_module
from pathlib import Path
from typing import Any

workload: Any = import_module("tests.bench.peers.workload")

START_S, TICK_S = 1_700_000_040, 60
RULES = Path(__file__).with_name("workload-rules.yaml")


def names(sensor: int) -> tuple[str, str, str]:
    """Place, device and metric of a sensor."""
    station, slot = divmod(sensor, workload.PER_STATION)
    return f"st{station}", f"s{sensor}", "level" if slot < workload.LEVELS else "rain"


def write(folder: Path, sensors: int, ticks: int, seed: int) -> int:
    """Both files; returns how many readings there are."""
    values = workload.generate(sensors, ticks, seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(zip(*(column.tolist() for column in workload.flat(values)), strict=True))
    with (folder / "readings.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["place", "device", "metric", "time", "value"])
        for sensor, tick, value in rows:
            out.writerow([*names(sensor), START_S + tick * TICK_S, value])
    with (folder / "truth.jsonl").open("w", encoding="utf-8") as file:
        for rule, entity, raised, cleared in workload.truth(values):
            place, device = (f"st{entity}", None) if rule == "CMB" else names(entity)[:2]
            row = {"rule": rule, "place": place, "device": device, "raised": raised,
                   "cleared": None if cleared < 0 else cleared}  # fmt: skip
            file.write(json.dumps(row) + "\n")
    return len(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sensors", type=int, default=200)
    parser.add_argument("--ticks", type=int, default=1560)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(write(given.folder, given.sensors, given.ticks, given.seed), "readings")
