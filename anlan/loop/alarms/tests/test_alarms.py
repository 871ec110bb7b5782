"""Row C7: one open alarm per rule, place and mode; idempotent raises; levels; easing; incidents."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.base.journal.models import Entry
from anlan.base.journal.sealing import seal_batch
from anlan.kernel.errors import Conflict, Invalid, NotPermitted
from anlan.loop.alarms import commands, rules
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.queries import open_alarms, timeline, visible_incidents
from anlan.loop.alarms.rules import RuleFacts, State
from tests.cast import NOW, SYSTEM, Cast

RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)
SILENCE = RuleFacts("urn:anlan:rules:silence", "ref", "静默", "silence")


def raise_at(cast: Cast, level: int, at: datetime = NOW, *, rule: RuleFacts = RAIN, place: str = "WX1") -> Alarm:
    return commands.raise_alarm(
        SYSTEM, rule=rule, place=cast.places[place], level=level, true_at=at, known_at=at, evidence={"mm": 41.0}, now=at
    )


@pytest.mark.django_db
@pytest.mark.both
class TestAlarms:
    def test_a_repeated_raise_changes_nothing(self, cast: Cast) -> None:
        first, again = raise_at(cast, 3), raise_at(cast, 3)
        assert first.id == again.id
        assert Alarm.objects.count() == Incident.objects.count() == 1
        assert Entry.objects.filter(kind="alarms.raised").count() == 1

    def test_a_replayed_raise_after_the_end_opens_nothing(self, cast: Cast) -> None:
        alarm = raise_at(cast, 2)
        commands.ease(SYSTEM, alarm, true_at=NOW + timedelta(hours=1), now=NOW + timedelta(hours=1))
        assert raise_at(cast, 2).id == alarm.id
        assert not Alarm.objects.open().exists()

    def test_one_open_alarm_per_rule_place_and_mode_steps_up_and_voids_the_acknowledgement(self, cast: Cast) -> None:
        alarm = raise_at(cast, 3)
        commands.acknowledge(cast.actor("zhiban"), alarm, now=NOW)
        stepped = raise_at(cast, 4, NOW + timedelta(minutes=10))
        assert stepped.id == alarm.id
        assert (stepped.level, stepped.acknowledged_at) == (4, None)
        assert Entry.objects.filter(kind="alarms.level_raised").count() == 1
        assert Incident.objects.get().level == 4

    def test_a_signed_level_waits_for_a_person_and_a_low_one_clears_itself(self, cast: Cast) -> None:
        later = NOW + timedelta(hours=2)
        signed, automatic = raise_at(cast, 4), raise_at(cast, 2, place="WX2")
        assert commands.ease(SYSTEM, signed, true_at=later, now=later).state is State.EASED
        assert commands.ease(SYSTEM, automatic, true_at=later, now=later).state is State.CLEARED
        commands.clear(cast.actor("zhiban"), signed, now=later)
        assert not Alarm.objects.open().exists()

    def test_rain_that_comes_back_resumes_an_eased_alarm(self, cast: Cast) -> None:
        alarm = raise_at(cast, 3)
        commands.ease(SYSTEM, alarm, true_at=NOW + timedelta(hours=1), now=NOW + timedelta(hours=1))
        resumed = raise_at(cast, 3, NOW + timedelta(hours=2))
        assert resumed.state is State.ACTIVE
        assert Entry.objects.filter(kind="alarms.resumed").count() == 1

    def test_an_active_alarm_is_cleared_early_only_with_a_reason(self, cast: Cast) -> None:
        alarm = raise_at(cast, 4)
        with pytest.raises(Invalid):
            commands.clear(cast.actor("zhiban"), alarm, now=NOW)
        assert Alarm.objects.open().count() == 1
        commands.clear(cast.actor("zhiban"), alarm, reason="站点误报", now=NOW)
        assert not Alarm.objects.open().exists()

    def test_an_incident_gathers_its_town_and_closes_when_all_have_eased(self, cast: Cast) -> None:
        alarm = raise_at(cast, 4)
        other = raise_at(cast, 3, place="WX2")
        incident = Incident.objects.get(area_code="140427203")
        assert alarm.incident_id != other.incident_id
        assert incident.title == "石坡乡山洪"
        assert incident.people_at_risk == 438
        with pytest.raises(Conflict, match="安口村山洪危险区"):
            commands.close_incident(cast.actor("zhiban"), incident, note="雨停", now=NOW)
        assert Incident.objects.get(id=incident.id).closed_at is None
        commands.ease(SYSTEM, alarm, true_at=NOW, now=NOW)
        commands.close_incident(cast.actor("zhiban"), incident, note="雨停，无人伤亡", now=NOW)
        assert Alarm.objects.get(id=alarm.id).state is State.CLEARED
        assert Entry.objects.filter(kind="incidents.closed").count() == 1

    def test_a_silent_gauge_makes_no_incident(self, cast: Cast) -> None:
        assert raise_at(cast, 1, rule=SILENCE, place="YL1").incident is None

    @pytest.mark.parametrize("username", ["dianshang", "cunzhang", "guanli", "shenji"])
    def test_a_stranger_neither_sees_nor_acts(self, cast: Cast, username: str) -> None:
        alarm = raise_at(cast, 4)
        stranger = cast.actor(username)
        before = Entry.objects.count()
        with pytest.raises(NotPermitted):
            commands.acknowledge(stranger, alarm, now=NOW)
        with pytest.raises(NotPermitted):
            commands.clear(stranger, alarm, reason="x", now=NOW)
        with pytest.raises(NotPermitted):
            commands.close_incident(stranger, Incident.objects.get(), note="x", now=NOW)
        assert Entry.objects.count() == before
        if username == "dianshang":
            assert not open_alarms(stranger).exists()
            assert not visible_incidents(stranger).exists()

    def test_the_timeline_is_the_sealed_lines_of_the_case(self, cast: Cast) -> None:
        alarm = raise_at(cast, 4)
        incident = Incident.objects.get()
        assert not timeline(cast.actor("zhiban"), incident).exists()
        seal_batch()
        kinds = [entry.kind for entry in timeline(cast.actor("zhiban"), incident)]
        assert sorted(kinds) == ["alarms.raised", "incidents.opened"]
        assert alarm.incident_id == incident.id


@given(st.sampled_from([State.ACTIVE, State.EASED]), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_raising_is_at_once_and_a_signed_level_never_falls_by_itself(
    state: State, level: int, judged: int, signed: bool
) -> None:
    decided = rules.step(state, level, judged, needs_signature=signed)
    if judged > level:
        assert decided.level == judged
        assert decided.void_acknowledgement
    elif signed:
        assert decided.level == level
    assert decided.resume == (state is State.EASED)
    with pytest.raises(Conflict):
        rules.step(State.CLEARED, level, judged, needs_signature=signed)
