"""Rows A1, C6, C7 in a real browser: from the storm's frames over TCP to the incident that is closed."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Ear, Site, log_in

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(420)]
SLEEPER = "monitor:140427203204"
"""The rain monitor of 安口村: deep asleep. The village head, who is awake, is the one to go to the door."""


def test_from_the_storm_to_the_closed_incident(site: Site, browser: Browser, tmp_path: Path) -> None:
    site.sleep_model("awake", but={SLEEPER: "deep"})
    duty = log_in(browser, site.url, "zhiban")
    expect(duty.locator("h1")).to_contain_text("现在没有需要我处理的事")
    town, stranger = (Ear(log_in(browser, site.url, who), site.url) for who in ("shipo", "dianshang"))
    duty.get_by_role("button", name="开始暴雨").click()
    # The queue fills by itself: the stream says what changed and the page fetches the part.
    expect(duty.locator("ol.queue li").first).to_be_visible(timeout=90_000)
    # Figures of the navigation follow without a reload.
    expect(duty.locator(".nav a[href='/desk/'] .count")).to_be_visible(timeout=15_000)
    # Two keys acknowledge: the first row, and what its button does.
    duty.goto(f"{site.url}/desk/?kind=alarm")
    expect(duty.locator("ol.queue form[action*=acknowledge]").first).to_be_visible(timeout=30_000)
    duty.keyboard.press("1")
    expect(duty.locator("ol.queue li[aria-current]")).to_have_count(1)
    duty.keyboard.press("Enter")
    expect(duty.locator("#messages")).to_contain_text("已确认")

    incident = _incident_of(duty, site, "石坡乡山洪")
    _somebody_sleeps_on(duty, site)
    _at_the_door(browser, site, tmp_path)
    _verified(duty, site)
    assert {"alarms", "calls", "tasks"} <= town.heard()
    assert not {"alarms", "calls", "tasks", "incidents"} & stranger.heard(), "the stream told a stranger town"
    _a_stranger_sees_none_of_it(browser, site, incident)
    _closed(duty, incident)


def _incident_of(duty: Page, site: Site, title: str) -> str:
    """The address of the incident of 石坡乡, once it is there."""
    duty.goto(f"{site.url}/incidents/")
    duty.mouse.move(0, 0)  # a row under the pointer is never moved: the list would wait with "3 条更新"
    link = duty.locator("main td a", has_text=title).first
    expect(link).to_be_visible(timeout=90_000)
    return f"{site.url}{link.get_attribute('href')}"


def _somebody_sleeps_on(duty: Page, site: Site) -> None:
    """The call board of 石坡乡 shows one of its people unreached, others woken, and then the door."""
    duty.goto(f"{site.url}/calls/?kind=alarm&state=open&level=4")
    duty.mouse.move(0, 0)
    duty.locator("main td a", has_text="石坡乡").first.click(timeout=90_000)
    expect(duty.locator("h1")).to_contain_text("叫醒")
    expect(duty.locator("main")).to_contain_text("听清请按 1")
    expect(duty.locator("main")).to_contain_text("安口村监测员", timeout=60_000)
    expect(duty.locator("main")).to_contain_text(re.compile(r"上门\s+.\*\*\s*RW-"), timeout=90_000)


def _at_the_door(browser: Browser, site: Site, folder: Path) -> None:
    """The village head takes the task, photographs and hands in, on a phone."""
    head = log_in(browser, site.url, "cunzhang", 390, 844)
    head.locator("main a", has_text="上门叫应：安口村监测员").first.click(timeout=30_000)
    head.get_by_role("button", name="我去办").click()
    expect(head.get_by_role("button", name="办完了，提交")).to_be_disabled()
    photo = folder / "door.png"
    head.screenshot(path=photo)
    head.set_input_files("#file", photo)
    head.get_by_role("button", name="存照片").click()
    head.get_by_role("button", name="办完了，提交").click()
    expect(head.locator("main")).to_contain_text("待核验")
    assert head.evaluate("document.documentElement.scrollWidth") <= 390


def _verified(duty: Page, site: Site) -> None:
    """The duty officer looks at the photo and confirms; the sleeper counts as reached in person."""
    duty.goto(f"{site.url}/desk/?kind=task")
    duty.locator("ol.queue li", has_text="安口村监测员").get_by_role("link").first.click(timeout=30_000)
    photo = duty.request.get(f"{site.url}{duty.get_by_role('link', name='看文件').get_attribute('href')}")
    assert photo.headers["content-type"] == "image/png"
    duty.get_by_role("button", name="核验通过").click()
    expect(duty.locator("main")).to_contain_text("已办结")


def _a_stranger_sees_none_of_it(browser: Browser, site: Site, incident: str) -> None:
    stranger = log_in(browser, site.url, "dianshang", 390, 844)
    for page in ("/incidents/", "/calls/", "/work/", "/places/?q=安口", "/search?q=安口", "/map/", "/people/"):
        answer = stranger.goto(f"{site.url}{page}")
        assert answer is not None
        assert answer.status == 200
        expect(stranger.locator("main")).not_to_contain_text("安口村")
        expect(stranger.locator("main")).not_to_contain_text("石坡乡")
    answer = stranger.goto(incident)
    assert answer is not None
    assert answer.status == 404
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 390


def _closed(duty: Page, incident: str) -> None:
    """When the rain is over the officer signs: alarms, calls and incident end, and nothing is owed any more."""
    duty.goto(incident)
    note = duty.locator("textarea[name=note]")
    expect(note).to_be_visible(timeout=180_000)
    note.fill("雨停，沟道水位回落，群众返回")
    duty.get_by_role("button", name="签字关闭事件").click()
    duty.locator("dialog#confirm[open] button[value=yes]").click()
    expect(duty.locator("h1")).to_contain_text("已关闭")
    expect(duty.locator("main")).to_contain_text("雨停，沟道水位回落", timeout=15_000)


def test_a_village_head_has_my_work_on_a_phone(site: Site, browser: Browser) -> None:
    head = log_in(browser, site.url, "cunzhang", 390, 844)
    assert head.url.endswith("/work/")
    expect(head.locator("h1")).to_be_visible()
    assert head.goto(f"{site.url}/desk/").status == 403  # type: ignore[union-attr]
    assert head.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_audit_administrator_reads_the_journal_and_nothing_else(site: Site, browser: Browser) -> None:
    audit = log_in(browser, site.url, "shenji")
    assert audit.url.endswith("/journal/")
    expect(audit.locator("main table")).to_be_visible()
    assert audit.goto(f"{site.url}/places/").status == 403  # type: ignore[union-attr]


def test_a_reset_gives_a_fresh_site(site: Site, browser: Browser) -> None:
    duty = log_in(browser, site.url, "zhiban")
    duty.get_by_role("button", name="开始暴雨").click()
    expect(duty.locator("ol.queue li").first).to_be_visible(timeout=90_000)
    duty.get_by_role("button", name="重置").click()
    duty.locator("dialog#confirm[open] button[value=yes]").click()
    duty.wait_for_url("**/login**", timeout=60_000)
    again = log_in(browser, site.url, "zhiban")
    expect(again.locator("h1")).to_contain_text("现在没有需要我处理的事")
    again.goto(f"{site.url}/incidents/")
    expect(again.locator("main")).to_contain_text("没有符合条件的事件")
    assert not site.folder.exists()
