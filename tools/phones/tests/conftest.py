"""A real telephone company in a process of its own, spoken to over real HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from anlan.kernel.channels import Channel, Receipt
from anlan.kernel.clock import SiteClock
from anlan.links.channels import open_channel

SECRET = "between-us"
START = 1784572260.0  # 2026-07-20 18:31 UTC = 02:31 in Beijing


@dataclass
class Phones:
    """The process with its folder, clock and address. Kill it and start it again: the folder stays."""

    data: Path
    clock: SiteClock
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "tools.phones", "--port", "0", "--data", str(self.data), "--secret", SECRET]
        command += ["--clock", str(self.clock.path), "--seed", "7"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, line
        self.url = line.split()[-1]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        os.kill(self.process.pid, how)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def channel(self) -> Channel:
        return open_channel("voice", self.url, SECRET)

    def owner(self, number: str, kind: str, sleeps_through: int = 1) -> None:
        body = {"kind": kind, "rings": 1, "sleeps_through": sleeps_through}
        httpx.post(f"{self.url}/numbers/{number}", json=body, headers={"X-Phones": "1"}).raise_for_status()

    def act(self, call: str, what: str) -> int:
        return httpx.post(f"{self.url}/phones/{call}/{what}", headers={"X-Phones": "1"}).status_code

    def until(
        self, call: str, true: Callable[[tuple[Receipt, ...]], bool], timeout_s: float = 15
    ) -> tuple[Receipt, ...]:
        """Wait for receipts of a call that make `true` true; returns them."""
        channel, end = self.channel(), time.monotonic() + timeout_s
        while time.monotonic() < end:
            receipts = channel.of_call(call)
            if true(receipts):
                return receipts
            time.sleep(0.05)
        raise AssertionError(f"not within {timeout_s} s: {receipts}")


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    clock = SiteClock(tmp_path / "clock.json")
    clock.start(START, rate=60.0)
    company = Phones(tmp_path / "phones", clock)
    company.start()
    yield company
    if company.process is not None:
        company.stop()
