"""The cards on a place's page over HTTP: rain beside its limits, alarms, who answers, inside the scope."""

import html
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from anlan.base.people.models import RosterShift
from anlan.kernel.modes import LEVEL_ORANGE
from anlan.loop.alarms.commands import ease, raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db(databases="__all__")


def get(cast: Cast, username: str, address: str, status: int = 200) -> str:
    client = Client()
    client.force_login(cast.accounts[username])
    answer = client.get(address)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def chart(body: str) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(html.unescape(body.split('data-chart="')[1].split('"')[0]))
    return drawn


@pytest.fixture
def wet(at_now: Cast) -> Cast:
    """One gauge of WX1 has spoken every ten minutes for two hours, 3 mm each; the other is silent since an hour."""
    told = [(NOW - timedelta(minutes=m), (120 - m) * 0.3) for m in range(120, -1, -10)]
    hear(at_now.places["YL1"], "rain.accumulated", told, NOW)
    hear(
        at_now.places["YL2"], "rain.accumulated", [(at, 0.0) for at, _v in told if at <= NOW - timedelta(hours=1)], NOW
    )
    return at_now


def test_the_page_of_a_danger_area_brings_its_cards(wet: Cast) -> None:
    body = get(wet, "zhiban", "/places/WX1/?hours=24")
    for card in ("/places/WX1/rain?hours=24", "/places/WX1/alarms?hours=24", "/people/place/WX1?hours=24"):
        assert f'hx-get="{card}"' in body
    assert "echarts" in body
    assert "安口村委会" in body.split("<dt>所在村</dt>")[1][:40]
    admin = get(wet, "guanli", "/places/WX1/")
    assert "/places/WX1/alarms" not in admin  # no alarms.read: no card that would be refused


def test_rain_stands_beside_the_limits_it_is_judged_by(wet: Cast) -> None:
    body = get(wet, "zhiban", "/places/WX1/rain?window=1h")
    data = chart(body)
    assert [one["name"] for one in data["gauges"]] == ["安口1号雨量站", "安口2号雨量站"]
    assert [(one["word"], one["value"]) for one in data["limits"]] == [("黄色", 20.0), ("橙色", 25.0), ("红色", 40.0)]
    first, second = data["gauges"]
    assert len(first["bars"]) == 72  # six hours of five minutes
    assert first["line"][-1] == pytest.approx(18.0)  # the step to 22:05 looks back to 21:05: six readings
    assert sum(value or 0 for value in first["bars"]) == pytest.approx(36.0)
    assert first["bars"][-2:] == [3.0, None]
    assert second["bars"][-6:] == [None] * 6  # unheard is not dry
    assert second["line"][-6:] == [None] * 6  # nor is the sum of a gauge that is silent
    assert 0.0 in second["line"]  # while it spoke, it said that it was dry
    assert "安口2号雨量站</b> 无数据" in body
    assert "不当作没有雨" in body


def test_the_table_has_the_figures_of_the_chart(wet: Cast) -> None:
    data = chart(get(wet, "zhiban", "/places/YL1/rain?hours=24&window=total"))
    table = get(wet, "zhiban", "/places/YL1/rain?hours=24&window=total&view=table")
    rows = [row.split("<td")[1:] for row in table.split("<tbody>")[1].split("<tr>")[1:]]
    assert len(rows) == 24
    told = [None if "?" in cells[1] else float(cells[1].split(">")[1].split("<")[0]) for cells in rows]
    drawn = [None if value is None else round(value, 1) for value in data["gauges"][0]["bars"]]
    assert told == drawn[::-1]
    assert data["limits"] == []  # a sum since the range began has no limit to stand beside


def test_a_silent_gauge_says_at_least_and_a_silent_dry_one_nothing(at_now: Cast) -> None:
    told = [(NOW - timedelta(minutes=50), 0.0), (NOW - timedelta(minutes=40), 12.0)]
    hear(at_now.places["YL1"], "rain.accumulated", told, NOW)
    hear(at_now.places["YL2"], "rain.accumulated", [(at, 0.0) for at, _value in told], NOW)
    wet_tile = get(at_now, "zhiban", "/places/YL1/rain").split("1 小时", 1)[1]
    assert wet_tile.split("</b>")[0].endswith('<b class="num">≥ 12.0')
    dry_tile = get(at_now, "zhiban", "/places/YL2/rain").split("1 小时", 1)[1]
    assert dry_tile.split("</b>")[0].endswith('<b class="num">?')
    assert "≥ 12.0" in get(at_now, "zhiban", "/map/panel?place=WX1")


def test_nothing_heard_is_said_and_not_drawn(at_now: Cast) -> None:
    body = get(at_now, "zhiban", "/places/YL3/rain")
    assert "这段时间没有收到雨量" in body
    assert "data-chart" not in body


@pytest.mark.parametrize("query", ["hours=7", "window=2h", "view=pie"])
def test_what_the_card_cannot_show_is_refused(at_now: Cast, query: str) -> None:
    get(at_now, "zhiban", f"/places/WX1/rain?{query}", 422)


def test_cards_stop_at_the_border(wet: Cast) -> None:
    for address in ("/places/WX1/rain", "/places/WX1/alarms", "/people/place/WX1"):
        get(wet, "dianshang", address, 404)
    get(wet, "cunzhang", "/people/place/WX1", 403)


def test_a_hidden_gauge_is_named_as_hidden(wet: Cast) -> None:
    place = wet.places["WX2"]
    place.attributes["gauges"] = ["YL3", "YL1"]
    place.save()
    body = get(wet, "dianshang", "/places/WX2/rain")
    assert "另有 1 个关联站不在您的辖区内" in body
    assert "安口" not in body


def test_alarms_of_the_place_open_and_over(wet: Cast) -> None:
    rule = facts_of(rule_packs()["urn:anlan:rules:gauge-silence"])
    for hours in (5, 0):
        at = NOW - timedelta(hours=hours)
        alarm = raise_alarm(SYSTEM, rule=rule, place=wet.places["YL1"], level=1, true_at=at, known_at=at,
                            evidence={}, now=at)  # fmt: skip
        if hours:
            ease(SYSTEM, alarm, true_at=at + timedelta(hours=1), now=at + timedelta(hours=1))
    facts = {"gauge": "YL1", "span": "1h", "value": 26.0, "limit": 25.0, "unit": "mm"}
    rain = facts_of(rule_packs()["urn:anlan:rules:danger-area-rain"])
    raise_alarm(SYSTEM, rule=rain, place=wet.places["WX1"], level=LEVEL_ORANGE, true_at=NOW, known_at=NOW,
                evidence=facts, now=NOW)  # fmt: skip
    body = get(wet, "zhiban", "/places/YL1/alarms")
    assert "未关闭 1 条" in body
    assert body.count("雨量站失联") == 2
    danger = get(wet, "zhiban", "/places/WX1/alarms")
    assert "YL1 1 小时 <b>26.0</b> ≥ 25.0 mm" in danger
    assert "雨量站失联" not in danger
    assert "这里没有过警情" in get(wet, "zhiban", "/places/WX2/alarms")


def test_who_answers_now_follows_the_roster(at_now: Cast) -> None:
    assert "199****06" in get(at_now, "zhiban", "/people/place/WX1")  # the village head holds the post
    post, deputy = at_now.posts["village:140427203204"], at_now.persons["head_deputy"]
    RosterShift.objects.create(
        post=post, person=deputy, starts_at=NOW - timedelta(hours=1), ends_at=NOW + timedelta(hours=1)
    )
    body = get(at_now, "zhiban", "/people/place/WX1")
    assert "199****06" not in body
    assert body.index("安口村监测员") < body.index("安口村责任人") < body.index("县值班员")  # the nearest first
    at_now.posts["monitor:140427203204"].holdings.all().delete()
    assert "没有人负责" in get(at_now, "zhiban", "/people/place/WX1")
