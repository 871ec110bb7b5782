"""A station that nobody knows calls; an officer finds its place, admits it, asks it and sees its answer (C7, A1)."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from anlan.kernel.clock import SiteClock
from anlan.links.protocols.sl651.codec import decode
from anlan.links.protocols.sl651.encode import element, observed, reply_frame, up_frame
from anlan.links.protocols.sl651.framing import ENQ, FrameSplitter
from tests.journeys.conftest import Site, log_in

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(180)]
ADDRESS = "1404279901"


class Station(threading.Thread):
    """Reports every second until it is confirmed, and answers what it is asked: stage 3.25 m."""

    def __init__(self, site: Site) -> None:
        super().__init__(daemon=True)
        port = json.loads((site.folder / "ports.json").read_text())["sl651"]
        self.clock = SiteClock(site.folder / "clock.json")
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(1.0)
        self.over = threading.Event()
        self.confirmed = threading.Event()
        self.start()

    def run(self) -> None:
        splitter, serial = FrameSplitter(), 0
        while not self.over.is_set():
            serial += 1
            now = self.clock.now().astimezone(UTC)
            self.socket.sendall(up_frame(ADDRESS, "32", serial=serial, sent=now, elements=[element("39", 3.2, 4, 3)]))
            try:
                for data in splitter.feed(self.socket.recv(4096)):
                    self.hear(data, now)
            except TimeoutError:
                continue
            self.over.wait(1.0)

    def hear(self, data: bytes, now: datetime) -> None:
        said = decode(data)
        if said.etx == ENQ:
            self.socket.sendall(reply_frame(said, sent=now, elements=[observed(now), element("39", 3.25, 4, 3)]))
        else:
            self.confirmed.set()

    def finish(self) -> None:
        self.over.set()
        self.join(5)
        self.socket.close()


@pytest.fixture
def station(site: Site) -> Iterator[Station]:
    made = Station(site)
    yield made
    made.finish()


def test_from_stranger_to_answer(site: Site, browser: Browser, station: Station) -> None:
    page = log_in(browser, site.url, "zhiban")
    page.goto(f"{site.url}/devices/unknown")
    for _ in range(20):
        if page.get_by_text(ADDRESS).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_role("link", name=ADDRESS).click()
    expect(page.get_by_role("button", name="登记", exact=True)).to_be_disabled()
    page.get_by_label("搜索对象").fill("水位站")
    page.get_by_role("button", name="搜索", exact=True).click()
    page.locator("input[name=place]").first.check()
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.get_by_text("已登记；下一帧开始入库和判别")).to_be_visible()
    assert station.confirmed.wait(15)
    page.get_by_role("button", name="立即召测").click()
    expect(page.get_by_text("已应答")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("3.25 m")).to_be_visible()
    page.get_by_role("button", name="校时").click()
    page.locator("dialog").get_by_role("button", name="确定").click()
    expect(page.get_by_text("已应答")).to_have_count(2, timeout=20_000)
    phone = log_in(browser, site.url, "zhiban", 390, 844)
    phone.goto(page.url)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
