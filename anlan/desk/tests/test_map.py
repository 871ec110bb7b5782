"""The one map over HTTP: what each role gets, that silence is never zero, and that nothing crosses a town's border."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from anlan.kernel.modes import LEVEL_ORANGE, LEVEL_RED
from anlan.loop.alarms.commands import raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from anlan.ui.map_layers import MAP_LAYERS
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db(databases="__all__")
RAIN, SILENCE = "urn:anlan:rules:danger-area-rain", "urn:anlan:rules:gauge-silence"


def client(cast: Cast, username: str) -> Client:
    found = Client()
    found.force_login(cast.accounts[username])
    return found


def features(cast: Cast, username: str, layer: str) -> dict[str, dict[str, object]]:
    answer = client(cast, username).get(f"/map/layers/{layer}")
    assert answer.status_code == 200
    found = [feature["properties"] for feature in json.loads(answer.content)["features"]]
    return {str(own.get("key")): own for own in found}


def alarm(cast: Cast, code: str, rule: str = RAIN, level: int = LEVEL_RED) -> None:
    facts = facts_of(rule_packs()[rule])
    place = cast.places[code]
    raise_alarm(SYSTEM, rule=facts, place=place, level=level, true_at=NOW, known_at=NOW, evidence={}, now=NOW)


def test_a_town_officer_gets_her_town_and_no_byte_of_another(at_now: Cast) -> None:
    for code in ("WX1", "WX2"):
        alarm(at_now, code)
    for code in ("YL1", "YL3"):
        hear(at_now.places[code], "rain.accumulated", [(NOW - timedelta(minutes=5), 1.0), (NOW, 2.5)], NOW)
    hers = client(at_now, "dianshang")
    for key in MAP_LAYERS:
        body = hers.get(f"/map/layers/{key}").content.decode("unicode_escape")
        assert [word for word in ("WX1", "YL1", "安口") if word in body] == [], key
    assert set(features(at_now, "dianshang", "alarms")) == {"WX2"}
    assert set(features(at_now, "dianshang", "rain")) == {"YL3"}
    assert set(features(at_now, "zhiban", "alarms")) == {"WX1", "WX2"}
    assert hers.get("/map/panel?place=WX1").status_code == 404
    assert hers.get("/map/?place=WX1").status_code == 404


def test_a_heard_gauge_says_its_hour_and_a_silent_one_says_no_data(at_now: Cast) -> None:
    minutes = [(NOW - timedelta(minutes=m), value) for m, value in ((65, 100.0), (40, 103.0), (5, 112.5))]
    hear(at_now.places["YL1"], "rain.accumulated", minutes, NOW)
    long_ago = NOW - timedelta(hours=2)
    hear(at_now.places["YL2"], "rain.accumulated", [(long_ago - timedelta(minutes=5), 0.0), (long_ago, 0.0)], NOW)
    found = features(at_now, "zhiban", "rain")
    assert (found["YL1"]["figure"], found["YL1"]["note"]) == ("12.5", "1 小时 12.5 mm · 5 分钟")
    assert (found["YL2"]["unknown"], found["YL2"]["figure"]) == (True, "无数据")
    assert "静默 2 小时" in str(found["YL2"]["note"])
    assert (found["YL3"]["unknown"], found["YL3"]["note"]) == (True, "无数据 · 从未收到")  # it never called


def test_alarms_are_drawn_once_a_place_at_their_highest_level_and_silence_is_no_level(at_now: Cast) -> None:
    alarm(at_now, "WX1", level=LEVEL_ORANGE)
    alarm(at_now, "YL1", rule=SILENCE, level=1)
    found = features(at_now, "zhiban", "alarms")
    assert set(found) == {"WX1"}
    own = found["WX1"]
    assert (own["shape"], own["level"], own["people"], own["glyph"]) == ("level", LEVEL_ORANGE, 438, "waves")


def test_a_layer_needs_its_permission(at_now: Cast) -> None:
    admin = client(at_now, "guanli")  # places.read and sensing.read, no alarms.read
    assert admin.get("/map/layers/alarms").status_code == 403
    assert 'value="alarms"' not in admin.get("/map/").content.decode()
    assert admin.get("/map/layers/rain").status_code == 200
    assert client(at_now, "shenji").get("/map/").status_code == 403
    assert client(at_now, "zhiban").get("/map/layers/nothing").status_code == 404


def test_the_address_says_which_layers_are_on(at_now: Cast) -> None:
    duty = client(at_now, "zhiban")
    page = duty.get("/map/?layers=alarms,villages").content.decode()
    on = {part.split('"')[0] for part in page.split('type="checkbox" value="')[1:] if " checked" in part.split(">")[0]}
    assert on == {"alarms", "villages"}
    assert duty.get("/map/?layers=alarms,teapots").status_code == 422
    assert 'href="/map/" aria-current="page"' in duty.get("/map/").content.decode()


def test_the_panel_names_who_answers_masked_and_what_has_fallen(at_now: Cast) -> None:
    alarm(at_now, "WX1")
    fell = [(NOW - timedelta(minutes=m), value) for m, value in ((70, 10.0), (30, 30.0), (5, 51.5))]
    hear(at_now.places["YL1"], "rain.accumulated", fell, NOW)
    body = client(at_now, "zhiban").get("/map/panel?place=WX1").content.decode()
    assert '41.5 <span class="den">/ 40.0 mm' in body  # the wettest gauge's hour against its limit for 立即转移
    assert [word for word in ("安口村责任人", "王**", "199****06") if word not in body] == []
    person = at_now.persons["head"]
    assert [word for word in (person.phone, person.name) if word in body] == []
    head = client(at_now, "cunzhang").get("/map/panel?place=WX1").content.decode()
    assert "199****" not in head  # a village head may not read other people's numbers, masked or not


def test_the_page_has_no_inline_script_and_asks_no_other_host(at_now: Cast) -> None:
    answer = client(at_now, "zhiban").get("/map/")
    body = answer.content.decode()
    assert all("src=" in part.split(">")[0] for part in body.split("<script")[1:])
    assert "//" not in body.replace("</", "")
    assert "示意图 未经审核 仅供演练" in body
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
