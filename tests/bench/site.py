"""A site to measure: the real processes on SQLite files, in a folder of its own, on free ports of loopback.

The demo county, and beside it a net of gauges with one danger area to each of the first of them. The site's clock runs
ten times as fast, so that a gauge that reports each minute of it makes ten times the readings.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anlan.kernel.clock import SiteClock
from anlan.site.demo.control import DEMO_START

RATE = 10.0
SECRET = "of-the-bench"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class BenchSite:
    """Folder, ports, environment and processes."""

    folder: Path
    gauges: int
    areas: int
    port: int = field(default_factory=free_port)
    ingest_port: int = field(default_factory=free_port)
    phones_port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> SiteClock:
        return SiteClock(self.folder / "clock.json")

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
        return {
            **kept,
            "ANLAN_DATA": str(self.folder),
            "ANLAN_SL651_PORT": str(self.port),
            "ANLAN_INGEST_PORT": str(self.ingest_port),
            "ANLAN_VOICE_URL": f"http://127.0.0.1:{self.phones_port}",
            "ANLAN_VOICE_SECRET": SECRET,
            "ANLAN_INGEST_REQUESTS_PER_S": "1e6",
            "ANLAN_INGEST_READINGS_PER_S": "1e9",
            "DJANGO_SETTINGS_MODULE": "anlan.site.settings",
            **self.extra,
        }

    def prepare(self) -> None:
        """Clock, tables, the demo county, the net of gauges."""
        self.clock.start(DEMO_START, RATE)
        anlan = [sys.executable, "-m", "anlan.site.cli"]
        subprocess.run([*anlan, "prepare"], env=self.environment(), check=True)
        seed = [sys.executable, "-m", "tests.bench.net", str(self.gauges), str(self.areas)]
        subprocess.run(seed, env=self.environment(), check=True)

    def start(self, *names: str) -> None:
        """Start gateway, worker or phones and wait for the doors."""
        commands = {
            "gateway": ["-m", "anlan.site.cli", "gateway"],
            "worker": ["-m", "anlan.site.cli", "worker"],
            "phones": ["-m", "tools.phones", "--port", str(self.phones_port), "--data", str(self.folder / "phones"),
                       "--secret", SECRET, "--clock", str(self.clock.path)],
        }  # fmt: skip
        for name in names:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *commands[name]], env=self.environment(), stdout=subprocess.DEVNULL
            )
        for name, port in (("gateway", self.port), ("phones", self.phones_port)):
            if name in names:
                _await(port)

    def stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, sql: str, file: str = "record") -> list[tuple[object, ...]]:
        """Rows of one of the site's files, read from outside."""
        with closing(sqlite3.connect(f"file:{self.folder / file}.sqlite3?mode=ro", uri=True, timeout=10)) as found:
            return found.execute(sql).fetchall()


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def running(folder: Path, gauges: int, areas: int, *names: str) -> Iterator[BenchSite]:
    """A prepared site with these processes; stopped at the end."""
    site = BenchSite(folder, gauges, areas)
    folder.mkdir(parents=True, exist_ok=True)
    site.prepare()
    try:
        site.start(*names)
        yield site
    finally:
        site.stop()
