"""Row A1, C6, C7 in a real browser: a storm's frames over TCP, an alarm, calls, and what a stranger town sees of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(240)]
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`anlan up` as a person starts it, on free ports and in a folder of its own."""
    root = tmp_path_factory.mktemp("site")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    environment |= {
        "ANLAN_DATA": str(root),
        "ANLAN_PORT": str(_free_port()),
        "ANLAN_SL651_PORT": str(_free_port()),
        "ANLAN_DEMO_RATE_OPEN": "30",
        "ANLAN_DEMO_RATE_FAST": "120",
    }
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "anlan.site.cli", "up"], env=environment, stdout=log, stderr=log
        )
    try:
        ready = _until(lambda: "安澜 http" in (root / "log").read_text(encoding="utf-8"), 60)
        assert ready, (root / "log").read_text(encoding="utf-8")
        folder = root / "demo-001"
        yield f"http://127.0.0.1:{json.loads((folder / 'ports.json').read_text())['web']}", folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _until(found: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def log_in(browser: Browser, url: str, who: str, width: int = 1366, height: int = 768) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
    page.goto(f"{url}/login")
    page.fill("[name=username]", who)
    page.fill("[name=password]", "anlan-demo")
    page.locator("form button[type=submit]").last.click()
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def test_a_storm_is_judged_called_and_seen_by_those_who_answer_for_it(site: tuple[str, Path], browser: Browser) -> None:
    url, folder = site
    duty = log_in(browser, url, "zhiban")
    expect(duty.locator("h1")).to_contain_text("现在没有需要我处理的事")
    duty.get_by_role("button", name="开始暴雨").click()
    # The queue fills by itself: the stream says what changed and the page fetches the part.
    expect(duty.locator("ol.queue li").first).to_be_visible(timeout=90_000)
    duty.locator("ol.queue form[action*=acknowledge] button").first.click()
    expect(duty.locator("#messages")).to_contain_text("已确认")

    duty.goto(f"{url}/calls/")
    duty.locator("main .list a").first.click()
    expect(duty.locator("h1")).to_contain_text("叫醒")
    expect(duty.locator("main")).to_contain_text("听清请按 1")

    stranger = log_in(browser, url, "dianshang", 390, 844)
    stranger.goto(f"{url}/incidents/")
    expect(stranger.locator("main")).not_to_contain_text("石坡乡")
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 390
    assert (folder / "storm.json").exists()


def test_a_village_head_has_my_work_on_a_phone(site: tuple[str, Path], browser: Browser) -> None:
    url, _folder = site
    head = log_in(browser, url, "cunzhang", 390, 844)
    assert head.url.endswith("/work/")
    expect(head.locator("h1")).to_be_visible()
    assert head.goto(f"{url}/desk/").status == 403  # type: ignore[union-attr]
    assert head.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_audit_administrator_reads_the_journal_and_nothing_else(site: tuple[str, Path], browser: Browser) -> None:
    url, _folder = site
    audit = log_in(browser, url, "shenji")
    assert audit.url.endswith("/journal/")
    expect(audit.locator("main table")).to_be_visible()
    assert audit.goto(f"{url}/places/").status == 403  # type: ignore[union-attr]
