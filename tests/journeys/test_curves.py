"""A1, C7: a curve in a real browser: ranges, keyboard, limits, what is doubted, the file of what is shown, a phone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from anlan.base.places.commands import NewPlace, create_places
from anlan.loop.sensing.blocks import SUSPECT, columns_of
from anlan.loop.sensing.commands import store_block
from anlan.loop.sensing.folding import Retention, keep
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.queries import ms
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
    """A river station with ninety days of stages, folded but for the last; one of them is doubted."""
    facts = {"station": "1404270901", "interval_min": 60, "warning_stage": 3.2, "guarantee_stage": 4.0}
    place = create_places(
        SYSTEM, [NewPlace("SW1", "安口水位站", "river_station", "140427203204", 113.6, 35.9, facts)], now=NOW
    )[0]
    hear(place, "stage", [(NOW - timedelta(hours=n), 2.0 + (n % 24) / 20) for n in range(90 * 24, 0, -1)], NOW)
    while keep(NOW, Retention(timedelta(days=7), 10)):
        pass
    number = Series.objects.get(metric="stage").id
    store_block(columns_of([(number, ms(NOW - timedelta(minutes=30)), 3.9, SUSPECT)]), source="t", now=NOW)
    with running_browser() as browser:
        yield log_in(browser, live_server.url, "zhiban", password=PASSWORD)


def test_a_curve_is_looked_at_from_hours_to_a_year(page: Page, live_server: LiveServer) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    page.goto(f"{live_server.url}/places/SW1/")
    said, box = page.locator("[data-said]"), page.locator("[data-box]")
    expect(said).to_contain_text("2026-07-19 22:00 – 2026-07-20 22:00 · 逐条数据")
    expect(said).to_contain_text("可疑")
    expect(box.locator("svg text", has_text="黄色 3.2")).to_be_visible()
    expect(box).to_have_attribute("aria-label", "安口水位站: " + (said.text_content() or ""))

    page.locator("[data-hours='720']").click()
    expect(said).to_contain_text("2026-06-20 22:00 – 2026-07-20 22:00 · 每小时一点")
    page.locator("[data-hours='all']").click()
    expect(said).to_contain_text("2026-04-21 08:00 – 2026-07-20 22:00")
    page.locator("[data-hours='24']").click()
    expect(said).to_contain_text("2026-07-19 22:00")
    box.focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("2026-07-19 10:00 – 2026-07-20 10:00")
    page.keyboard.press("-")
    expect(said).to_contain_text("2026-07-18 22:00 – 2026-07-20 22:00")
    page.fill(".curvecard [name=from]", "2026-05-01T00:00")
    page.fill(".curvecard [name=to]", "2026-05-01T12:00")
    page.locator(".curvecard [data-custom] button").click()
    expect(said).to_contain_text("2026-05-01 00:00 – 2026-05-01 12:00 · 逐条数据")
    with page.expect_download() as begun:
        page.locator("[data-export=csv]").click()
    lines = begun.value.path().read_text(encoding="utf-8-sig").strip().split("\n")
    assert len(lines) == 1 + 12
    assert problems == []


def test_nothing_is_wider_than_a_phone(page: Page, live_server: LiveServer) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for address in ("/places/SW1/", "/charts/compare?place=SW1&metric=stage", "/devices/abnormal"):
        page.goto(f"{live_server.url}{address}")
        if "abnormal" not in address:
            expect(page.locator("[data-said]")).to_contain_text("逐条数据")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
