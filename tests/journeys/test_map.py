"""The one map in a real browser: shapes, list, keyboard, address; the content policy in force, no network."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from anlan.kernel.modes import LEVEL_RED
from anlan.loop.alarms.commands import raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, PASSWORD, Cast
from tests.journeys.conftest import log_in, running_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.django_db(databases="__all__", transaction=True),
]


@pytest.fixture
def page(live_server: LiveServer, at_now: Cast) -> Iterator[Page]:
    """The duty officer's browser on a site with one red alarm, a gauge that speaks and two that do not."""
    place = at_now.places["WX1"]
    facts = facts_of(rule_packs()["urn:anlan:rules:danger-area-rain"])
    raise_alarm(SYSTEM, rule=facts, place=place, level=LEVEL_RED, true_at=NOW, known_at=NOW, evidence={}, now=NOW)
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW - timedelta(minutes=9), 0.0), (NOW, 4.5)], NOW)
    with running_browser() as browser:
        yield log_in(browser, live_server.url, "zhiban", password=PASSWORD)


def test_the_map_is_drawn_searched_and_left_by_keyboard(page: Page, live_server: LiveServer) -> None:
    problems: list[str] = []
    asked: list[Request] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    page.on("request", lambda request: asked.append(request))
    page.goto(f"{live_server.url}/map/")
    expect(page.locator("#map-page")).to_have_attribute("data-ready", "true")
    expect(page.locator("#map-view .s-red")).to_have_count(1)
    expect(page.locator("#map-view .s-none")).to_have_count(2)  # dashed and "?", never a zero
    expect(page.locator("#map-view .m-label.u").first).to_have_text("无数据")
    expect(page.locator("#map-count")).to_have_text("1 处警情 · 2 处未知")
    expect(page.locator("#map-rows li")).to_have_count(5)  # every object of the layers that are on, each once
    expect(page.locator("#map-rows li").first).to_contain_text("安口村山洪危险区")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#map-detail h2")).to_have_text("安口村山洪危险区")
    assert "place=WX1" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#map-rows li").first).to_be_visible()

    page.locator("label", has_text="雨量站").locator("input").uncheck()
    expect(page.locator("#map-rows li")).to_have_count(2)
    assert page.url.endswith("?layers=alarms,rivers,danger,towns,roads,gullies,water,counties")
    page.reload()
    expect(page.locator("#map-rows li")).to_have_count(2)

    page.fill("#map-find", "WX2")
    expect(page.locator("#map-rows li")).to_have_count(1)
    assert problems == []
    assert all(request.url.startswith((live_server.url, "data:", "blob:")) for request in asked)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768), (1920, 1080)])
def test_nothing_is_wider_than_the_screen(page: Page, live_server: LiveServer, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{live_server.url}/map/?place=WX1")
    expect(page.locator("#map-page")).to_have_attribute("data-ready", "true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#map-detail h2")).to_be_visible()
    expect(page.locator("#map-view .s-red")).to_be_visible()
