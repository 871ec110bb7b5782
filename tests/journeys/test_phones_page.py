"""A person answers a villager's telephone by hand: pick up, hear to the end, press the key. Early keys do not count."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from anlan.kernel.channels import Dial, Event, Receipt, Result
from anlan.kernel.clock import SiteClock
from tools.phones.tests.conftest import START, Phones

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(120)]
NUMBER = "19900000001"
TEXT = "这里是壶关县防汛指挥部。山洪红色预警。安口村已达立即转移指标。听清请按 1。"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Phones]:
    """A telephone company whose clock runs slowly enough for a hand."""
    clock = SiteClock(tmp_path / "clock.json")
    clock.start(START, rate=4.0)
    made = Phones(tmp_path / "phones", clock)
    made.start()
    yield made
    made.stop()


def _over(receipts: tuple[Receipt, ...]) -> bool:
    return bool(receipts) and receipts[-1].event is Event.COMPLETED


def dial(company: Phones, key: str) -> str:
    return company.channel().dial(Dial(key=key, number=NUMBER, text=TEXT, text_version="v1", callback="")).call


def test_answered_by_hand(company: Phones, browser: Browser) -> None:
    company.owner(NUMBER, "manual")
    page = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
    page.goto(company.url)
    call = dial(company, "k1")
    card = page.locator("article.phone", has_text=NUMBER)
    expect(card).to_contain_text("安口村已达立即转移指标")
    card.get_by_role("button", name="接听").click()
    card.get_by_role("button", name="按 1 确认").click()  # before the end: heard by nobody
    expect(card).to_be_visible()
    expect(card).to_contain_text("已播完", timeout=20_000)
    card.get_by_role("button", name="按 1 确认").click()
    expect(page.locator("#over tr").first).to_contain_text("听完并按键")
    assert company.until(call, _over)[-1].result is Result.HEARD_AND_CONFIRMED
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hung_up_before_the_end_is_not_reached(company: Phones, browser: Browser) -> None:
    company.owner(NUMBER, "manual")
    page = browser.new_context(locale="zh-CN").new_page()
    page.goto(company.url)
    call = dial(company, "k2")
    card = page.locator("article.phone", has_text=NUMBER)
    card.get_by_role("button", name="接听").click()
    card.get_by_role("button", name="挂断").click()
    expect(page.locator("#over tr").first).to_contain_text("没听完就挂了")
    done = company.until(call, _over)[-1]
    assert done.result is Result.PARTIAL
    assert done.seconds < done.of
