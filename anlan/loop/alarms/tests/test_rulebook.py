"""Row C7: a rule's numbers edited by the county: tried over stored readings, saved, judged by, undone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from anlan.base.journal.models import Entry
from anlan.kernel.errors import Conflict, Invalid, NotPermitted
from anlan.kernel.packs import folders, override_with
from anlan.loop.alarms import rule_trials, rulebook, rulefiles
from anlan.loop.alarms.judging import Judge, rule_packs
from anlan.loop.alarms.models import Alarm, RuleChange
from anlan.loop.alarms.tests.stations import admit, at, run, says, started
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
DANGER, GAUGE = "urn:anlan:rules:danger-area-rain", "urn:anlan:rules:gauge-rain"


@pytest.fixture(autouse=True)
def county(tmp_path: Path) -> Iterator[Path]:
    """A county's folder of its own."""
    before = folders()[1:]
    override_with([tmp_path])
    rulebook.refresh()
    yield tmp_path
    override_with(before)
    rule_packs.cache_clear()


@pytest.fixture
def storm(cast: Cast) -> Cast:
    """41 mm in half an hour at gauge 1 an hour ago, and dry before."""
    admit(cast)
    told = [says(1, minutes, value) for minutes, value in ((-120, 100), (-80, 121), (-70, 126), (-60, 141), (-5, 141))]
    pipeline = started()
    for message in told:
        run(pipeline, [message])
    return cast


def edit(urn: str, times: str = "0.7", name: str = "levels.0.from_place.times") -> dict[str, object]:
    return rulebook.edited(urn, {name: times}, "stable", {})


LOWER = {"1.readings": "0 100; 30 109; 60 117.4; 125 118", "0.readings": "0 100; 10 110; 20 118; 30 126; 40 141"}


def lower() -> dict[str, object]:
    return rulebook.edited(DANGER, {"levels.0.from_place.times": "0.7"}, "stable", LOWER)


def test_edit_save_judge_undo(cast: Cast, county: Path) -> None:
    chief, seen = cast.actor("zhihui"), rulebook.rules()[DANGER].ref
    made = rulebook.change(chief, lower(), seen=seen, why="地质条件变了", now=NOW)
    assert (made.version, rulebook.rules()[DANGER].ref) == ("1+county.1", made.ref)
    assert (county / "rules" / "danger-area-rain.yaml").exists()
    assert Entry.objects.filter(kind="rules.changed").count() == 1
    admit(cast)
    run(started(), [says(1, -1, 100.0)])
    judge = Judge()
    judge.load(NOW)
    assert 25 * 0.7 in {round(slot.limit, 3) for slot in judge.plan.slot_facts}
    undone = rulebook.undo(chief, DANGER, to="shipped", seen=made.ref, why="改回", now=NOW + timedelta(minutes=1))
    assert (undone.version, list((county / "rules").iterdir())) == ("1", [])
    back = rulebook.undo(chief, DANGER, to="before", seen=undone.ref, why="又改", now=NOW + timedelta(minutes=2))
    assert (back.version, back.levels[0].from_place.times) == ("1+county.3", 0.7)  # type: ignore[union-attr]
    assert [one.why for one in rulebook.history(DANGER)] == ["又改", "改回", "地质条件变了"]


def test_an_example_that_no_longer_holds_refuses_the_edit_by_name(cast: Cast, county: Path) -> None:
    with pytest.raises(Invalid, match=r"一小时 19\.9 毫米"):
        rulebook.change(
            cast.actor("zhihui"), edit(DANGER, "0.79"), seen=rulebook.rules()[DANGER].ref, why="试", now=NOW
        )
    assert not RuleChange.objects.exists()
    assert not (county / "rules").exists()


def test_only_those_who_may_and_nobody_over_an_edit_they_have_not_seen(cast: Cast, county: Path) -> None:
    seen = rulebook.rules()[DANGER].ref
    for who in ("zhiban", "shipo", "cunzhang", "shenji"):
        with pytest.raises(NotPermitted):
            rulebook.change(cast.actor(who), lower(), seen=seen, why="不行", now=NOW)
        with pytest.raises(NotPermitted):
            rulebook.undo(cast.actor(who), DANGER, to="shipped", seen=seen, why="不行", now=NOW)
    rulebook.change(cast.actor("guanli"), lower(), seen=seen, why="先改", now=NOW)
    with pytest.raises(Conflict):
        rulebook.change(cast.actor("zhihui"), lower(), seen=seen, why="后改", now=NOW)
    assert RuleChange.objects.count() == 1


@pytest.mark.parametrize("text", ["", "x", "nan", "1e12", "-1"])
def test_a_number_that_is_none_is_refused(cast: Cast, text: str) -> None:
    with pytest.raises(Invalid):
        rulebook.checked(edit(DANGER, text))


def test_a_trial_says_what_would_have_been_and_raises_nothing(storm: Cast) -> None:
    lines, alarms = Entry.objects.count(), Alarm.objects.count()
    present = rulebook.rules()[DANGER]
    higher = rulefiles.parse(rulefiles.dump(edit(DANGER, "1.7")))
    old, new = rule_trials.run(storm.actor("zhihui"), [present, higher], days=3, now=NOW)
    assert [(one.place.code, one.level, one.begun) for one in old.episodes] == [("WX1", 4, at(-80))]
    assert old.levels() == {4: 1, 3: 0, 2: 0, 1: 0}
    assert (old.covered, old.readings) == (3, 5)
    found = rule_trials.compare(old, new)
    assert (found.appear, found.vanish, found.other) == ([], [], [])
    gauge = rulebook.rules()[GAUGE]
    assert gauge.status == "trial"
    tried = rule_trials.kept(storm.actor("zhihui"), gauge, days=3, now=NOW)
    assert [(one.place.code, one.level) for one in tried.episodes] == [("YL1", 1)]
    assert tried.gaps == [storm.places[code].name for code in ("YL2", "YL3")]
    less = rulefiles.parse(rulefiles.dump(edit(GAUGE, "44", "levels.0.limits.1h")))
    none = rule_trials.compare(tried, rule_trials.run(storm.actor("zhihui"), [less], days=3, now=NOW)[0])
    assert [one.place.code for one in none.vanish] == ["YL1"]
    assert not none.appear
    assert (Entry.objects.count(), Alarm.objects.count()) == (lines, alarms)


def test_a_difference_is_said_line_by_line(cast: Cast) -> None:
    shipped = rulefiles.raw(rulebook.shipped_text(DANGER))
    found = {one.path: (one.old, one.new) for one in rulefiles.differences(shipped, edit(DANGER))}
    assert found == {("levels", "yellow", "from_place", "times"): ("0.8", "0.7"), ("status",): ("", "stable")}


def test_the_pages_try_save_and_undo(storm: Cast, at_now: Cast, client: Client) -> None:
    client.force_login(storm.accounts["zhihui"])
    page = "/rules/danger-area-rain/"
    form = {**LOWER, "levels.0.from_place.times": "0.7", "status": "stable", "days": "3", "why": "地质条件变了"}
    form["seen"] = rulebook.rules()[DANGER].ref
    refused = client.post(f"{page}edit", {**form, "1.readings": "0 100; 30 109; 60 119.9; 125 120", "act": "try"})
    assert refused.status_code == 422
    assert "一小时 19.9 毫米" in refused.content.decode()
    untried = client.post(f"{page}edit", {**form, "act": "save"})
    assert (untried.status_code, RuleChange.objects.count()) == (200, 0)
    assert untried.context["new"].levels()[4] == 1
    saved = client.post(f"{page}edit", {**form, "act": "save", "tried": untried.context["digest"]})
    assert (saved.status_code, saved["Location"]) == (302, page)
    shown = client.get(page)
    assert ("级别 · 黄色 · × 对象自己的指标", "0.8", "0.7") in shown.context["differences"]
    assert "县里改过" in client.get("/rules/").content.decode()
    undone = client.post(
        f"{page}undo", {"to": "shipped", "why": "改回", "seen": rulebook.rules()[DANGER].ref}, follow=True
    )
    assert (undone.status_code, rulebook.rules()[DANGER].version) == (200, "1")
    tried = client.get("/rules/gauge-rain/trial")
    assert [one.place.code for one in tried.context["shown"]] == ["YL1"]


def test_every_rule_has_its_pages(cast: Cast, at_now: Cast, client: Client) -> None:
    client.force_login(cast.accounts["zhihui"])
    for urn in rulebook.rules():
        key = urn.rsplit(":", 1)[-1]
        assert client.get(f"/rules/{key}/").status_code == 200
        assert client.get(f"/rules/{key}/edit").status_code == 200
        assert client.get(f"/rules/{key}/trial").status_code == 200
    assert client.get("/rules/none/").status_code == 404
    assert client.get("/rules/?sort=x").status_code == 422


@pytest.mark.parametrize("who", ["zhiban", "shipo", "cunzhang", "shenji"])
def test_who_may_not_edit_changes_nothing(cast: Cast, at_now: Cast, client: Client, who: str) -> None:
    client.force_login(cast.accounts[who])
    for act in ("edit", "undo"):
        answer = client.post(f"/rules/danger-area-rain/{act}", {"act": "try", "to": "nowhere", "why": "x"})
        assert answer.status_code == 403
    assert not RuleChange.objects.exists()


def test_a_combination_is_tried_with_every_rule_it_is_made_of(storm: Cast) -> None:
    pipeline = started()
    run(pipeline, [says(1, -90, 25.0, "rain.next_6h.forecast"), says(1, -50, 165.0)])
    rule = rulebook.rules()["urn:anlan:rules:rain-shanxi"]
    (tried,) = rule_trials.run(storm.actor("zhihui"), [rule], days=3, now=NOW)
    assert [(one.place.code, one.level, one.begun, one.ended) for one in tried.episodes] == [("YL1", 2, at(-50), None)]
