"""The devices page over HTTP: silent first, filters and order in the address, Excel, and who sees unknown stations."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.loop.sensing.commands import quarantine, register_device
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]


def get(cast: Cast, username: str, address: str, status: int = 200) -> str:
    client = Client()
    client.force_login(cast.accounts[username])
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def names(body: str) -> list[str]:
    rows = body.split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:] if "<tbody>" in body else []
    return [row.split("<b>")[1].split("</b>")[0] for row in rows]


@pytest.fixture
def stations(at_now: Cast) -> Cast:
    """YL1 speaks, YL2 fell silent, YL3 never called; one unknown station calls, one says a wrong password."""
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW - timedelta(minutes=3), 1.0)], NOW)
    hear(at_now.places["YL2"], "rain.accumulated", [(NOW - timedelta(minutes=16), 1.0)], NOW)
    place = at_now.places["YL3"]
    register_device(SYSTEM, protocol="sl651", address=place.attributes["station"], place=place, now=NOW)
    for address, reason, minutes in (("9999000001", "unknown", 9), ("1404270003", "password", 2)):
        at = NOW - timedelta(minutes=minutes)
        quarantine(SYSTEM, protocol="sl651", address=address, reason=reason, frame=bytes.fromhex("7e7e01ff"),
                   peer="10.0.0.8:4711", count=3, now=at)  # fmt: skip
    return at_now


def test_silent_devices_come_first_and_are_counted(stations: Cast) -> None:
    body = get(stations, "zhiban", "/devices/")
    assert "2 / 3 台设备没有数据" in body
    assert names(body) == ["安口2号雨量站", "店上雨量站", "安口1号雨量站"]
    assert "从未收到" in body


def test_filters_order_and_search_live_in_the_address(stations: Cast) -> None:
    assert names(get(stations, "zhiban", "/devices/?state=silent")) == ["安口2号雨量站", "店上雨量站"]
    assert names(get(stations, "zhiban", "/devices/?state=heard")) == ["安口1号雨量站"]
    assert names(get(stations, "zhiban", "/devices/?sort=-address"))[0] == "店上雨量站"
    assert names(get(stations, "zhiban", "/devices/?q=1404270002")) == ["安口2号雨量站"]
    assert names(get(stations, "zhiban", "/devices/?q=ak")) == ["安口2号雨量站", "安口1号雨量站"]  # initials
    assert names(get(stations, "zhiban", "/devices/?town=140427102")) == ["店上雨量站"]
    get(stations, "zhiban", "/devices/?state=asleep", 422)
    get(stations, "zhiban", "/devices/?colour=red", 422)
    get(stations, "zhiban", "/devices/?sort=heard", 422)


def test_a_town_sees_its_own_devices_and_no_unknown_ones(stations: Cast) -> None:
    assert names(get(stations, "dianshang", "/devices/")) == ["店上雨量站"]
    get(stations, "dianshang", "/devices/?town=140427203", 422)
    get(stations, "dianshang", "/devices/unknown", 403)
    assert "/devices/unknown" not in get(stations, "dianshang", "/devices/")
    get(stations, "shenji", "/devices/", 403)


def test_unknown_stations_are_shown_raw_to_those_who_may_admit_them(stations: Cast) -> None:
    for username in ("zhiban", "guanli"):
        body = get(stations, username, "/devices/unknown")
        for word in ("9999000001", "SL651", "10.0.0.8:4711", "7e7e01ff", "未登记", "口令不符"):
            assert word in body
    assert body.index("1404270003") < body.index("9999000001")  # the latest first
    only = get(stations, "zhiban", "/devices/unknown?reason=unknown")
    assert "1404270003" not in only
    assert Series.objects.filter(device__address="9999000001").count() == 0  # never judged: it has no series


def test_excel_has_the_rows_of_the_page_and_needs_its_permission(stations: Cast) -> None:
    client = Client()
    client.force_login(stations.accounts["zhiban"])
    sheet = load_workbook(BytesIO(client.get("/devices/?state=silent&format=xlsx").content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["站点", "安口2号雨量站", "店上雨量站"]
    assert [row[1] for row in rows[1:]] == ["静默", "静默"]
    unknown = load_workbook(BytesIO(client.get("/devices/unknown?format=xlsx").content)).active
    assert unknown is not None
    assert unknown.max_row == 3
    get(stations, "shipo", "/devices/?format=xlsx", 403)


def test_the_count_in_the_navigation_is_what_somebody_can_act_on(stations: Cast) -> None:
    def count(username: str) -> str:
        link = get(stations, username, "/work/").split('href="/devices/"')[1].split("</a>")[0]
        return link.split('class="count">')[1].split("<")[0] if "count" in link else ""

    assert (count("zhiban"), count("shipo"), count("dianshang")) == ("4", "1", "1")
