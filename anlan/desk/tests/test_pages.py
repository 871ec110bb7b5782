"""The desk's pages over HTTP with something on them: lists, filters, exports, acts, what a stranger does not see."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from openpyxl import load_workbook

from anlan.base.journal.models import Entry
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.rules import RuleFacts
from anlan.loop.calls import commands as calls
from anlan.loop.calls import steering
from anlan.loop.calls.models import Call, Campaign
from tests.cast import NOW, SYSTEM, Cast

RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)
pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]


@pytest.fixture
def alarm(cast: Cast) -> Alarm:
    """A red alarm in 石坡乡 with its campaign."""
    raised = alarms.raise_alarm(
        SYSTEM, rule=RAIN, place=cast.places["WX1"], level=4, true_at=NOW, known_at=NOW,
        evidence={"value": 41, "limit": 40, "unit": "mm", "span": "1 小时", "gauge": "YL1"}, now=NOW,
    )  # fmt: skip
    campaign = calls.open_campaign(SYSTEM, raised, now=NOW)
    assert campaign is not None
    for want in campaign.wants.all():
        calls.expand(SYSTEM, want, now=NOW)
    return raised


def logged_in(cast: Cast, who: str) -> Client:
    client = Client()
    client.force_login(cast.accounts[who])
    return client


class TestLists:
    def test_incidents_are_filtered_sorted_and_exported(self, cast: Cast, alarm: Alarm) -> None:
        client = logged_in(cast, "zhiban")
        shown = client.get("/incidents/?state=open&level=4&sort=-people&q=石坡").content.decode()
        assert "石坡乡山洪" in shown
        assert "进行中的事件 1 件" in shown
        assert "石坡乡山洪" not in client.get("/incidents/?state=closed").content.decode()
        book = load_workbook(BytesIO(client.get("/incidents/?format=xlsx").content))
        rows = list(book.worksheets[0].iter_rows(values_only=True))
        assert rows[0][:3] == ("事件", "级别", "受威胁人数")
        assert rows[1][:3] == ("石坡乡山洪", "红色", 438)

    def test_campaigns_show_woken_of_all(self, cast: Cast, alarm: Alarm) -> None:
        client = logged_in(cast, "zhiban")
        targets = Call.objects.filter(kind="target").count()
        first = Call.objects.filter(kind="target").first()
        assert first is not None
        steering.mark_reached(cast.actor("zhiban"), first, reason="微信群回复", now=NOW)
        assert f"1 / {targets}" in client.get("/calls/?state=open&kind=alarm").content.decode()
        assert "石坡乡" not in client.get("/calls/?kind=task").content.decode()

    def test_an_unknown_parameter_is_refused_with_what_is_known(self, cast: Cast) -> None:
        answer = logged_in(cast, "zhiban").get("/incidents/?colour=red")
        assert answer.status_code == 422
        assert "state" in answer.content.decode()

    @pytest.mark.parametrize("path", ["/incidents/", "/calls/", "/incidents/?format=xlsx"])
    def test_a_stranger_town_gets_nothing(self, cast: Cast, alarm: Alarm, path: str) -> None:
        answer = logged_in(cast, "dianshang").get(path)
        if "xlsx" in path and answer.status_code == 200:
            assert len(list(load_workbook(BytesIO(answer.content)).worksheets[0].iter_rows())) == 1
        else:
            assert "石坡乡山洪" not in answer.content.decode()


class TestActs:
    def test_acknowledge_then_close_when_eased(self, cast: Cast, alarm: Alarm) -> None:
        client, incident = logged_in(cast, "zhiban"), Incident.objects.get()
        assert "41 ≥ 40 mm" in client.get("/desk/").content.decode()
        client.post(f"/alarms/{alarm.id}/acknowledge")
        alarm.refresh_from_db()
        assert alarm.acknowledged_at is not None
        assert client.post(f"/incidents/{incident.number}/close", {"note": "雨停"}).status_code == 409
        alarms.ease(SYSTEM, alarm, true_at=NOW + timedelta(hours=2), now=NOW + timedelta(hours=2))
        assert client.post(f"/incidents/{incident.number}/close", {"note": " "}).status_code == 422
        assert client.post(f"/incidents/{incident.number}/close", {"note": "雨停"}).status_code == 302
        incident.refresh_from_db()
        assert incident.closed_at is not None
        assert "雨停" in client.get(f"/incidents/{incident.number}/").content.decode()

    @pytest.mark.parametrize("who", ["dianshang", "cunzhang", "shenji", "guanli"])
    def test_who_may_not_changes_nothing(self, cast: Cast, alarm: Alarm, who: str) -> None:
        client, campaign = logged_in(cast, who), Campaign.objects.get()
        call = Call.objects.exclude(person=None).first()
        assert call is not None
        before = _everything()
        paths = [f"/alarms/{alarm.id}/acknowledge", f"/alarms/{alarm.id}/clear"]
        paths += [f"/incidents/{Incident.objects.get().number}/close", f"/calls/{campaign.number}/cancel"]
        paths += [f"/call/{call.id}/{act}" for act in ("escalate", "door", "redial", "reached", "unreachable")]
        for path in paths:
            answer = client.post(path, {"reason": "不该成功", "note": "不该成功"})
            assert answer.status_code in (403, 404), path
        assert _everything() == before


def _everything() -> list[object]:
    tables = (Alarm, Incident, Campaign, Call)
    return [list(table.objects.order_by("pk").values()) for table in tables] + [Entry.objects.count()]
