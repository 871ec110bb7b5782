"""The box in the top bar over HTTP."""

import pytest
from django.http import HttpResponse
from django.test import Client

from anlan.kernel.modes import LEVEL_RED
from anlan.loop.alarms.commands import raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.tests.feed import SYSTEM
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db(databases="__all__")


def ask(cast: Cast, username: str, text: str) -> HttpResponse:
    client = Client()
    client.force_login(cast.accounts[username])
    answer: HttpResponse = client.get("/search", {"q": text})  # type: ignore[assignment]
    return answer


def test_places_and_the_people_who_answer_are_found_masked(at_now: Cast) -> None:
    body = ask(at_now, "zhiban", "安口").content.decode()
    assert "“安口”：3 处地方，2 个岗位" in body
    assert 'href="/places/WX1/"' in body
    person = at_now.persons["head"]
    assert person.masked_phone in body
    assert [word for word in (person.name, person.phone) if word in body] == []
    assert "安口村责任人" in ask(at_now, "zhiban", person.name).content.decode()  # found by the name, shown masked


def test_search_stays_in_the_scope_and_the_role(at_now: Cast) -> None:
    assert "没有找到“安口”" in ask(at_now, "dianshang", "安口").content.decode()
    head = ask(at_now, "cunzhang", "安口").content.decode()
    assert "3 处地方，0 个岗位" in head  # no people.read
    assert "没有找到“安口”" in ask(at_now, "shenji", "安口").content.decode()  # reads the journal only
    assert ask(at_now, "zhiban", "").status_code == 200


def test_a_number_leads_to_its_page(at_now: Cast) -> None:
    rule = facts_of(rule_packs()["urn:anlan:rules:danger-area-rain"])
    alarm = raise_alarm(
        SYSTEM, rule=rule, place=at_now.places["WX1"], level=LEVEL_RED, true_at=NOW, known_at=NOW, evidence={}, now=NOW
    )
    assert alarm.incident is not None
    number = alarm.incident.number
    assert ask(at_now, "zhiban", number.lower()).headers["Location"] == f"/incidents/{number}/"
    assert ask(at_now, "zhiban", " wx1 ").headers["Location"] == "/places/WX1/"
    assert ask(at_now, "dianshang", number).status_code == 200  # not told that it exists
    assert "/incidents/SJ" not in ask(at_now, "dianshang", number).content.decode()
