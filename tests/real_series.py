"""Real storms through the hot path: hour by hour, stored, judged, raised; told as the tables of docs/real-series.md.

    python -m tests.real_series --write             a site in a temporary folder; writes the tables
    python -m tests.real_series --picture FILE      and draws the place's own page of the storm (needs chromium)

The test compares the document with what comes out. Places and limits are the fixed cast's; only readings are real.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2026, 7, 20, 14, tzinfo=UTC)  # when the cast's accounts are in office
DATA = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[1] / "docs" / "real-series.md"
FROM, UNTIL = datetime(2014, 7, 1, tzinfo=UTC), datetime(2014, 7, 31, tzinfo=UTC)
PORT = 21390


@dataclass(frozen=True)
class Hour:
    """One row of a measured series. values: element → value, None = missing."""

    at: datetime
    rain: float | None
    values: dict[str, float | None]


def summer() -> Iterator[Hour]:
    """The gauge near Gießen, July 2014, hour by hour."""
    names = {"temperature": "temp_c", "groundwater": "groundwater_m", "soil.10cm": "soil10"}
    with (DATA / "schwingbach_2014_summer.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time"]).replace(tzinfo=UTC)
            if FROM <= at < UNTIL:
                yield Hour(at, _number(row["rain_mm"]), {name: _number(row[key]) for name, key in names.items()})


def fire_weather() -> Iterator[Hour]:
    """Forty-eight days of fire weather, each at its noon."""
    names = {"temperature": "temp_c", "humidity": "rh_pct", "wind": "wind_kmh"}
    with (DATA / "fireweather_inputs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC, hour=12)
            yield Hour(at, _number(row["rain_mm"]), {name: _number(row[key]) for name, key in names.items()})


def _number(text: str) -> float | None:
    return float(text) if text else None


def _in_a_site(folder: Path, code: str) -> None:
    """Run code with Django on a folder of its own."""
    subprocess.run(
        [sys.executable, "-c", "import django\ndjango.setup()\n" + code], env=_environment(folder), check=True
    )


def _environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    return {**kept, "ANLAN_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "anlan.site.settings"}


FILL = """
from tests.cast import make_cast
from tests.real_series import write
from tests.real_series_run import tables
write(tables(make_cast()), {write})
"""
CLOCK = """
from anlan.kernel.clock import SiteClock
from pathlib import Path
SiteClock(Path({folder!r}) / "clock.json").start({now}, rate=1e-6)
"""


def write(found: dict[str, list[str]], to_page: bool) -> None:
    """Print the tables, and put them between their marks in the document."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in found.items():
        print("\n".join(rows))
        head, rest = text.split(f"<!-- {name} -->\n")
        text = f"{head}<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- /{name} -->" + rest.split(f"<!-- /{name} -->")[1]
    if to_page:
        PAGE.write_text(text, encoding="utf-8")


def draw(folder: Path, picture: Path) -> None:
    """The curve of the gauge's own page on the day of the storm, as a browser shows it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only those who draw have it

    _in_a_site(folder, CLOCK.format(folder=str(folder), now=NOW.timestamp()))
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([sys.executable, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{PORT}"],
                              env=_environment(folder) | {"ANLAN_DEBUG": "true"})  # fmt: skip
    try:
        time.sleep(4)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1366, "height": 900}, locale="zh-CN")
            page.goto(f"{address}/login?next=/places/WX1/")
            page.fill("[name=username]", "zhiban")
            page.fill("[name=password]", "anlan-demo")
            page.press("[name=password]", "Enter")
            page.wait_for_selector(".curvecard svg")
            for name, text in (("from", "2014-07-24T20:00"), ("to", "2014-07-25T12:00")):
                page.fill(f".curvecard [name={name}]", text)
            page.click(".curvecard [data-custom] button")
            page.wait_for_timeout(1500)
            page.locator(".curvecard").screenshot(path=picture)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="real_series")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/real-series.md")
    parser.add_argument("--picture", type=Path, help="draw the storm's chart into this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "anlan.site.cli", "migrate"], env=_environment(folder), check=True)
        _in_a_site(folder, FILL.format(write=asked.write))
        if asked.picture:
            draw(folder, asked.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
