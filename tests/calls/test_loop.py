"""From an alarm to a woken person or a door task, through the dialler and a real telephone company over HTTP."""

from datetime import timedelta

import pytest

from anlan.base.journal.models import Entry
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.kernel.errors import Conflict, Invalid, NotPermitted
from anlan.loop.alarms import commands as alarms
from anlan.loop.calls import commands, dialling, queries, rules, steering
from anlan.loop.calls.models import Attempt, Call, Campaign
from anlan.loop.calls.rules import Stage
from tests.calls.story import alarm_at, everybody, expanded, news, run
from tests.cast import NOW, SYSTEM, Cast
from tools.phones.tests.conftest import Phones

pytestmark = pytest.mark.both


@pytest.mark.django_db
def test_everybody_awake_is_woken_once(cast: Cast, phones: Phones) -> None:
    everybody(phones, "awake")
    alarm_at(cast)
    run(phones, lambda: Call.objects.exists() and not Call.objects.open().exists())
    assert set(Call.objects.values_list("stage", flat=True)) == {Stage.ACKED}
    assert Attempt.objects.count() == Call.objects.count()
    board = queries.board(cast.actor("zhiban"), Campaign.objects.get(), phones.clock.now())
    assert (board.woken, board.gap) == (board.targets, ())
    assert board.targets > 0


@pytest.mark.django_db
def test_a_sleeper_gets_the_door_and_the_proof_reaches_him(cast: Cast, phones: Phones) -> None:
    everybody(phones, "deep")
    alarm_at(cast)
    run(phones, lambda: Call.objects.filter(stage=Stage.AT_DOOR, kind="target").exists())
    call = Call.objects.filter(stage=Stage.AT_DOOR, kind="target").first()
    assert call is not None
    assert call.door_task is not None
    assert call.attempts.count() >= 3
    task = Task.objects.get(pk=call.door_task.pk)
    photo = b"\xff\xd8\xff" + b"0" * 20
    now = phones.clock.now()
    tasks.add_evidence(SYSTEM, task, kind="photo", file=photo, now=now)
    tasks.submit(SYSTEM, task, now=now)
    news()
    call.refresh_from_db()
    assert call.stage == Stage.REACHED


@pytest.mark.django_db
def test_a_repeated_open_changes_nothing_and_a_higher_level_calls_anew(cast: Cast) -> None:
    alarm = alarm_at(cast, 3)
    first = commands.open_campaign(SYSTEM, alarm, now=NOW)
    assert first is not None
    assert commands.open_campaign(SYSTEM, alarm, now=NOW) == first
    for want in first.wants.all():
        commands.expand(SYSTEM, want, now=NOW)
        commands.expand(SYSTEM, want, now=NOW)
    count = Call.objects.count()
    assert count > 0
    alarms.step_level(SYSTEM, alarm, level=4, true_at=NOW, evidence={}, now=NOW)
    second = commands.open_campaign(SYSTEM, alarm, now=NOW)
    assert second is not None
    assert second != first
    for want in second.wants.all():
        commands.expand(SYSTEM, want, now=NOW)
    assert set(first.calls.values_list("stage", flat=True)) == {Stage.SUPERSEDED}


@pytest.mark.django_db
def test_crash_between_commit_and_dial_keeps_the_key(cast: Cast) -> None:
    expanded(alarm_at(cast))
    call = Call.objects.open().exclude(person=None).first()
    assert call is not None
    one = dialling.advance(SYSTEM, call, callback="", now=NOW)
    two = dialling.advance(SYSTEM, call, callback="", now=NOW + timedelta(seconds=20))
    assert one is not None
    assert two is not None
    assert one[1] == two[1]
    assert Attempt.objects.count() == 1


@pytest.mark.django_db
def test_steering_needs_permission_area_and_reason_and_refusals_have_no_effect(cast: Cast) -> None:
    expanded(alarm_at(cast))
    call = Call.objects.open().first()
    assert call is not None
    before, lines = Call.objects.get(pk=call.pk).stage, Entry.objects.count()
    with pytest.raises(NotPermitted):
        steering.escalate_now(cast.actor("cunzhang"), call, now=NOW)
    with pytest.raises(Invalid):
        steering.mark_reached(cast.actor("zhiban"), call, reason=" ", now=NOW)
    assert (Call.objects.get(pk=call.pk).stage, Entry.objects.count()) == (before, lines)
    steering.mark_reached(cast.actor("zhiban"), call, reason="微信群回复", now=NOW)
    with pytest.raises(Conflict):
        steering.redial(cast.actor("zhiban"), call, now=NOW)


@pytest.mark.django_db
def test_lifting_cancels_the_rest(cast: Cast) -> None:
    alarm = alarm_at(cast)
    news()
    campaign = Campaign.objects.get()
    for want in campaign.wants.all():
        commands.expand(SYSTEM, want, now=NOW)
    alarms.clear(cast.actor("zhiban"), alarm, reason="误报", now=NOW)
    news()
    assert not Call.objects.open().exists()
    assert Campaign.objects.get().end == "lifted"
    assert rules.Stage.CANCELLED in set(Call.objects.values_list("stage", flat=True))
