"""C7, A1: the curve of a place, of several side by side, and as a file: limits, ages, the last event, the scope."""

import csv
import html
import json
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.base.places.commands import NewPlace, create_places
from anlan.base.places.models import Place
from anlan.kernel.modes import LEVEL_ORANGE
from anlan.loop.alarms.commands import raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.blocks import SUSPECT, columns_of
from anlan.loop.sensing.commands import open_series, store_block
from anlan.loop.sensing.models import Device, Series
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db(databases="__all__")
RULE = "urn:anlan:rules:river-stage"


def ask(cast: Cast, username: str, address: str, status: int = 200) -> Any:
    client = Client()
    client.force_login(cast.accounts[username])
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return answer


def drawn(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(html.unescape(answer.content.decode().split('data-curve="')[1].split('"')[0]))
    return found


@pytest.fixture
def river(at_now: Cast) -> Place:
    """A stage each five minutes for four hours."""
    facts = {"station": "1404270901", "interval_min": 5, "warning_stage": 3.2, "guarantee_stage": 4.0}
    place = create_places(
        SYSTEM, [NewPlace("SW1", "安口水位站", "river_station", "140427203204", 113.6, 35.9, facts)], now=NOW
    )[0]
    hear(place, "stage", [(NOW - timedelta(minutes=5 * n), 3.0 - n / 100) for n in range(48, 0, -1)], NOW)
    return place


def test_a_river_station_shows_its_stage_beside_its_own_limits(river: Place, at_now: Cast) -> None:
    assert 'hx-get="/places/SW1/curve?"' in ask(at_now, "zhiban", "/places/SW1/").content.decode()
    answer = ask(at_now, "zhiban", "/places/SW1/curve")
    data = drawn(answer)
    assert (data["places"], data["metric"], data["unit"]) == (["SW1"], "stage", "m")
    assert [(one["level"], one["value"]) for one in data["limits"]] == [("yellow", 3.2), ("red", 4.0)]
    assert "2.99" in answer.content.decode()
    ask(at_now, "dianshang", "/places/SW1/curve", 404)


def test_rain_has_the_limits_of_an_hour_and_a_day(at_now: Cast) -> None:
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW, 1.0)], NOW)
    data = drawn(ask(at_now, "zhiban", "/places/WX1/curve"))
    assert data["places"] == ["YL1"]  # the gauges that have been heard
    assert {(one["span"], one["value"]) for one in data["limits"] if one["level"] == "red"} == {
        ("1h", 40.0),
        ("24h", 120.0),
    }
    assert "data-curve" not in ask(at_now, "zhiban", "/places/WX2/curve").content.decode()


def test_the_last_event_is_laid_over_the_newest(river: Place, at_now: Cast) -> None:
    assert drawn(ask(at_now, "zhiban", "/places/SW1/curve"))["before"] is None
    for days in (30, 0):
        at = NOW - timedelta(days=days, minutes=10)
        alarm = raise_alarm(SYSTEM, rule=facts_of(rule_packs()[RULE]), place=river, level=LEVEL_ORANGE, true_at=at,
                            known_at=at, evidence={}, now=at)  # fmt: skip
        if days:
            alarm.cleared_at, alarm.open_key = at + timedelta(hours=3), None
            alarm.save(update_fields=["cleared_at", "open_key"])
    found = drawn(ask(at_now, "zhiban", "/places/SW1/curve"))["before"]
    assert (found["at"], found["here"]) == (ms(NOW - timedelta(days=30, minutes=10)), ms(NOW - timedelta(minutes=10)))


def test_a_forecast_is_offered_where_there_is_one(river: Place, at_now: Cast) -> None:
    assert drawn(ask(at_now, "zhiban", "/places/SW1/curve"))["forecast"] == ""
    hear(river, "stage.forecast", [(NOW + timedelta(hours=h), 3.0 + h / 10) for h in (1, 2, 3)], NOW)
    data = drawn(ask(at_now, "zhiban", "/places/SW1/curve"))
    assert data["forecast"] == "stage.forecast"
    to = (NOW + timedelta(hours=2)).isoformat().replace("+", "%2B")
    line = ask(at_now, "zhiban", f"/api/v1/readings/chart?place=SW1&metric=stage.forecast&to={to}").json()["lines"][0]
    assert [round(v, 3) for v in line["v"]] == [3.1, 3.2]


def test_stations_side_by_side(river: Place, at_now: Cast) -> None:
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW, 1.0)], NOW)
    hear(at_now.places["YL2"], "rain.accumulated", [(NOW, 1.0)], NOW)
    both = ask(at_now, "zhiban", "/charts/compare?place=YL1&place=YL2&place=SW1")
    assert drawn(both)["places"] == ["YL1", "YL2"]
    assert "安口水位站 没有这种要素的数据" in both.content.decode()
    found = ask(at_now, "zhiban", "/charts/compare?q=swz&metric=stage").content.decode()
    assert "place=SW1" in found
    assert "place=YL1" not in found
    ask(at_now, "zhiban", "/charts/compare?" + "&".join(f"place=X{n}" for n in range(7)), 422)
    ask(at_now, "dianshang", "/charts/compare?place=YL1", 404)
    assert "安口" not in ask(at_now, "dianshang", "/charts/compare").content.decode()


def test_what_is_shown_as_a_file(river: Place, at_now: Cast) -> None:
    device = Device.objects.get(place=river)
    number = open_series(SYSTEM, device=device, metric="stage").id
    rows = [(number, ms(NOW - timedelta(minutes=2)), 99.0, SUSPECT)]
    store_block(columns_of(rows), source="t", now=NOW)
    text = ask(at_now, "zhiban", "/charts/export?place=SW1&metric=stage&hours=1&format=csv").content.decode("utf-8-sig")
    told = list(csv.reader(StringIO(text)))
    assert told[0][:5] == ["对象", "要素", "单位", "时间（北京，时段末）", "值"]
    assert told[-1][:5] == ["安口水位站", "水位", "m", "2026-07-20 21:58:00", "99.0"]
    assert (told[-1][8].split("：")[0], told[-1][9]) == ("可疑", "逐条")
    book = ask(at_now, "zhiban", "/charts/export?place=SW1&metric=stage&step=day&hours=48&format=xlsx").content
    sheet = load_workbook(BytesIO(book)).active
    assert sheet is not None
    last = [cell.value for cell in list(sheet.rows)[-1]]
    assert last[5:10] == [2.52, 2.99, 48, "1 条不可用", "日（8 时至次日 8 时）"]
    for address, status in (
        ("/charts/export?place=SW1&metric=stage&format=pdf", 422),
        ("/charts/export?place=SW1&metric=stage&format=csv&color=red", 422),
        ("/charts/export?place=SW1&metric=stage&format=csv&from=gestern", 422),
        ("/charts/export?place=SW1&metric=stage&format=csv&hours=nan", 422),
        ("/charts/export?place=SW1&metric=stage&format=csv&hours=1e300", 422),
    ):
        ask(at_now, "zhiban", address, status)
    ask(at_now, "dianshang", "/charts/export?place=SW1&metric=stage&format=csv", 403)
    ask(at_now, "cunzhang", "/charts/export?place=SW1&metric=stage&format=csv", 403)


def test_the_curves_of_a_device(river: Place, at_now: Cast) -> None:
    device = Device.objects.get(place=river)
    hear(river, "voltage", [(NOW, 12.5)], NOW)
    answer = ask(at_now, "zhiban", f"/devices/{device.id}/curves")
    assert "电源电压" in answer.content.decode()
    volt = Series.objects.get(metric="voltage").id
    assert drawn(ask(at_now, "zhiban", f"/devices/{device.id}/curves?series={volt}"))["series"] == [volt]
    ask(at_now, "zhiban", f"/devices/{device.id}/curves?series=999", 422)
    ask(at_now, "dianshang", f"/devices/{device.id}/curves", 404)
