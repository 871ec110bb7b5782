"""A demo site as a person starts it, and a real browser to look at it."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Site:
    """A running `anlan up`: its address, its demo folder and its telephone company."""

    url: str
    folder: Path
    phones: str

    def sleep_model(self, kind: str, but: dict[str, str]) -> None:
        """How everybody of the storm's county answers the telephone. but: kind by code of post."""
        query = (
            "select post.code, person.phone from people_post post"
            " join people_holding held on held.post_id = post.id"
            " join people_person person on person.id = held.person_id"
            " where post.area_code like '140427%' and post.role != 'grid_member'"
        )
        with closing(sqlite3.connect(f"file:{self.folder}/record.sqlite3?mode=ro", uri=True)) as record:
            rows = record.execute(query).fetchall()
        with httpx.Client(base_url=self.phones, headers={"X-Phones": "1"}) as company:
            for code, number in rows:
                body = {"kind": but.get(code, kind), "rings": 1, "sleeps_through": 1}
                company.post(f"/numbers/{number}", json=body).raise_for_status()


class Ear(threading.Thread):
    """Listens to the event stream with the login of a page, and keeps the parts it was told of."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(daemon=True)
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
        self.client = httpx.Client(base_url=url, cookies=cookies, timeout=None)
        self.parts: set[str] = set()
        self.open = threading.Event()
        self.start()
        assert self.open.wait(10), "the stream did not open"

    def run(self) -> None:
        try:
            with self.client.stream("GET", "/events") as answer:
                assert answer.status_code == 200
                for line in answer.iter_lines():
                    self.open.set()
                    if line.startswith("data: ") and "part" in line:
                        self.parts.add(json.loads(line[6:])["part"])
        except httpx.HTTPError:
            pass  # the site has ended

    def heard(self) -> set[str]:
        """What it was told so far."""
        return set(self.parts)


@contextmanager
def running_site(root: Path, settings: Mapping[str, str], ready_s: float = 60) -> Iterator[Site]:
    """`anlan up` on free ports and in a folder of its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    environment |= {"ANLAN_DATA": str(root), "ANLAN_PORT": str(_free_port()), "ANLAN_SL651_PORT": str(_free_port())}
    environment["ANLAN_INGEST_PORT"] = str(_free_port())
    log = root / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "anlan.site.cli", "up"], env=environment | dict(settings), stdout=out, stderr=out
        )
    try:
        assert until(lambda: "电话公司 http" in log.read_text() and "安澜 http" in log.read_text(), ready_s), (
            log.read_text()
        )
        folder = root / "demo-001"
        phones = next(line.split()[-1] for line in log.read_text().splitlines() if line.startswith("电话公司 http"))
        port = json.loads((folder / "ports.json").read_text())["web"]
        yield Site(f"http://127.0.0.1:{port}", folder, phones)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def until(found: Callable[[], object], seconds: float) -> bool:
    """Whether something came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A demo whose night passes quickly: slower while somebody is being called, fast while nobody is."""
    root = tmp_path_factory.mktemp("site")
    with running_site(root, {"ANLAN_DEMO_RATE_OPEN": "30", "ANLAN_DEMO_RATE_FAST": "500"}) as running:
        yield running


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser. Django's database is not to be touched from this thread while it runs: set the scene before."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def log_in(
    browser: Browser, url: str, who: str, width: int = 1366, height: int = 768, password: str = "anlan-demo"
) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
    page.goto(f"{url}/login")
    page.fill("[name=username]", who)
    page.fill("[name=password]", password)
    page.locator("form:has([name=password]) button[type=submit]").click()
    page.wait_for_url(lambda address: "/login" not in address)
    return page
