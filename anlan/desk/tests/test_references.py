"""The journal names what its lines are about, to those who may see it."""

import pytest
from django.test import Client

from anlan.base.journal.references import RESOLVERS, resolve
from anlan.base.journal.sealing import seal_batch
from anlan.kernel.modes import LEVEL_RED
from anlan.loop.alarms.commands import raise_alarm
from anlan.loop.alarms.judging import facts_of, rule_packs
from anlan.loop.sensing.commands import quarantine
from anlan.loop.sensing.tests.feed import SYSTEM
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db(databases="__all__")


def test_lines_name_their_subject_and_lead_to_it(at_now: Cast) -> None:
    rule = facts_of(rule_packs()["urn:anlan:rules:danger-area-rain"])
    alarm = raise_alarm(SYSTEM, rule=rule, place=at_now.places["WX1"], level=LEVEL_RED, true_at=NOW, known_at=NOW,
                        evidence={}, now=NOW)  # fmt: skip
    assert alarm.incident is not None
    seen = quarantine(SYSTEM, protocol="sl651", address="9999000001", reason="unknown", frame=b"~", peer="x",
                      count=1, now=NOW)  # fmt: skip
    seal_batch()
    asked = [f"alarm:{alarm.id}", f"incident:{alarm.incident.id}", f"quarantine:{seen.id}"]

    mine = resolve(at_now.actor("zhiban"), asked)
    assert mine[asked[0]].text == "安口村山洪危险区 山洪危险区雨量预警"
    assert mine[asked[0]].url == mine[asked[1]].url == f"/incidents/{alarm.incident.number}/"
    assert (mine[asked[2]].text, mine[asked[2]].url) == ("9999000001", f"/devices/unknown/{seen.id}")
    assert resolve(at_now.actor("dianshang"), asked) == {}  # another town, and no right to admit
    audit = resolve(at_now.actor("shenji"), asked[:1])
    assert audit[asked[0]].url == ""  # the name of a line, not a page that would be refused

    everything = [f"{prefix}:{alarm.id}" for prefix in RESOLVERS]
    for username in at_now.accounts:  # whoever reads the journal is never refused for what a line is about
        resolve(at_now.actor(username), everything)

    client = Client()
    client.force_login(at_now.accounts["zhiban"])
    body = client.get("/journal/?kind=alarms.raised").content.decode()
    assert f'<a href="/incidents/{alarm.incident.number}/">安口村山洪危险区 山洪危险区雨量预警</a>' in body
