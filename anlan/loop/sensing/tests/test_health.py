"""C7: devices that are not well on one page: who is silent, suspect or a stranger; the series of one device."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.loop.sensing.blocks import GOOD, HELD, SUSPECT, columns_of
from anlan.loop.sensing.commands import open_series, quarantine, register_device, store_block
from anlan.loop.sensing.health import series_states, unwell
from anlan.loop.sensing.models import Device
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]


@pytest.fixture
def mixed(at_now: Cast) -> Cast:
    """YL1 reports well but for two doubted readings, YL2 fell silent, YL3 never spoke; a stranger calls."""
    hear(
        at_now.places["YL1"],
        "rain.accumulated",
        [(NOW - timedelta(minutes=5 * n), 10.0) for n in range(5, -1, -1)],
        NOW,
    )
    number = open_series(SYSTEM, device=Device.objects.get(), metric="voltage").id
    rows = [(number, ms(NOW - timedelta(minutes=m)), v, q) for m, v, q in
            ((30, 12.5, GOOD), (20, 99.0, SUSPECT), (10, 98.0, HELD), (0, 12.25, GOOD))]  # fmt: skip
    store_block(columns_of(rows), source="t", now=NOW)
    hear(at_now.places["YL2"], "rain.accumulated", [(NOW - timedelta(hours=3), 1.0)], NOW)
    place = at_now.places["YL3"]
    register_device(SYSTEM, protocol="sl651", address=place.attributes["station"], place=place, now=NOW)
    quarantine(
        SYSTEM, protocol="sl651", address="9999999999", reason="unknown", frame=b"\x7e", peer="p", count=1, now=NOW
    )
    return at_now


def page(cast: Cast, username: str, query: str = "", status: int = 200) -> Any:
    client = Client()
    client.force_login(cast.accounts[username])
    answer = client.get(f"/devices/abnormal{query}")
    assert answer.status_code == status
    return answer


def test_each_fault_is_a_row_the_longest_unheard_first(mixed: Cast) -> None:
    rows = unwell(mixed.actor("zhiban"), NOW)
    assert [(one.kind, one.name) for one in rows if one.kind != "quarantine"] == [
        ("silent", "店上雨量站"), ("silent", "安口2号雨量站"), ("suspect", "安口1号雨量站"),
    ]  # fmt: skip
    assert rows[2].why == "电源电压: 可疑 1; 待证实 1"
    assert rows[0].heard is None
    assert {one.kind for one in unwell(mixed.actor("guanli"), NOW)} >= {"quarantine"}


def test_the_page_filters_orders_and_exports(mixed: Cast) -> None:
    body = page(mixed, "zhiban").content.decode()
    assert body.index("店上雨量站") < body.index("安口2号雨量站") < body.index("安口1号雨量站")
    other = page(mixed, "zhiban", "?sort=-heard").content.decode()
    assert other.index("安口1号雨量站") < other.index("店上雨量站")
    only = page(mixed, "zhiban", "?kind=suspect").content.decode()
    assert "安口1号雨量站" in only
    assert "安口2号雨量站" not in only
    assert "没有符合条件的异常" in page(mixed, "zhiban", "?q=没有这个站").content.decode()
    sheet = load_workbook(BytesIO(page(mixed, "zhiban", "?kind=silent&format=xlsx").content)).active
    assert sheet is not None
    assert [row[1].value for row in sheet.rows] == ["站点", "店上雨量站", "安口2号雨量站"]
    for query in ("?kind=broken", "?sort=name", "?color=red", "?format=pdf", "?page=0"):
        page(mixed, "zhiban", query, 422)


def test_only_the_own_area_and_who_may(mixed: Cast) -> None:
    assert [one.name for one in unwell(mixed.actor("dianshang"), NOW)] == ["店上雨量站"]
    page(mixed, "dianshang", "?format=xlsx", 403)
    assert "未登记站" not in {one.name for one in unwell(mixed.actor("dianshang"), NOW)}


def test_how_the_series_of_a_device_stand(mixed: Cast) -> None:
    device = Device.objects.get(address="1404270001")
    rain, volt = series_states(mixed.actor("zhiban"), device, NOW)
    assert (rain.readings, rain.expected, rain.gaps, rain.doubtful) == (6, 288, 1, 0)
    assert rain.longest_min == 24 * 60 - 25
    assert (volt.readings, volt.doubtful, volt.unit) == (4, 2, "V")
    client = Client()
    client.force_login(mixed.accounts["zhiban"])
    body = client.get(f"/devices/{device.id}/series").content.decode()
    assert "累计雨量" in body
    whole = client.get(f"/devices/{device.id}").content.decode()
    assert f'hx-get="/devices/{device.id}/curves"' in whole
    client.force_login(mixed.accounts["dianshang"])
    assert client.get(f"/devices/{device.id}/series").status_code == 404
