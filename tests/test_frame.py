"""What every page draws: the filter bar, the date, windows and ages in words."""

from datetime import UTC, datetime

import pytest
from django.test import Client, override_settings
from django.utils import translation

from anlan.base.places.models import Place
from anlan.kernel.errors import Invalid
from anlan.ui import words
from anlan.ui.tables import Filter
from tests.cast import NOW, Cast


def test_a_choice_of_nothing_is_not_drawn_and_takes_no_value() -> None:
    empty: Filter[Place] = Filter("town", "乡镇", lambda q, v: q.filter(area_code=v))
    with pytest.raises(Invalid):
        empty.check("140427203")
    typed: Filter[Place] = Filter("q", "搜索", lambda q, v: q.filter(name=v), kind="text")
    assert typed.check("anything") == "anything"


@pytest.mark.django_db(databases="__all__")
def test_a_village_head_is_not_asked_to_type_a_town(at_now: Cast) -> None:
    """She sees no town, so the town filter has nothing to choose from."""
    client = Client()
    client.force_login(at_now.accounts["cunzhang"])
    body = client.get("/places/").content.decode()
    assert 'name="kind"' in body
    assert 'name="town"' not in body
    assert client.get("/places/?town=140427203").status_code == 422


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("language", ["zh-CN", "en", "fr"])
def test_the_weekday_is_chinese_whatever_the_browser_asks_for(at_now: Cast, language: str) -> None:
    client = Client(headers={"accept-language": language})
    client.force_login(at_now.accounts["zhiban"])
    body = client.get("/places/").content.decode()
    assert '<span class="hide-s meta" id="site-date">7月20日 周一</span>' in body


def test_the_date_is_that_of_beijing() -> None:
    late = datetime(2026, 7, 20, 16, 30, tzinfo=UTC)  # half past midnight of the 21st there
    with override_settings(TIME_ZONE="UTC"):
        with translation.override("zh-hans"):
            assert words.day(late) == "7月21日 周二"
        with translation.override("en"):
            assert words.day(late) == "7/21 Tue"
    assert words.clock_time(NOW) == "22:00"


@pytest.mark.parametrize(
    ("text", "said"), [("1h", "1 小时"), ("90min", "90 分钟"), ("3d", "3 天"), ("silent", "silent")]
)
def test_windows_read_as_people_say_them(text: str, said: str) -> None:
    assert words.span(text) == said


@pytest.mark.django_db(databases="__all__")
def test_the_browser_is_told_the_sites_time_and_its_speed(at_now: Cast) -> None:
    """Deadlines tick by it; a demo clock runs faster than the machine's."""
    answer = Client().get("/clock")
    assert answer.status_code == 200
    assert answer.json() == {"now": pytest.approx(NOW.timestamp() * 1000, abs=1), "rate": 1e-6}
    assert answer.headers["Cache-Control"] == "no-store"
