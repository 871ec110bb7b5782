"""Who is rung up, who is sent and what is owed after it: reminders, bad numbers, doors, raised levels, the webhook."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from anlan.base.journal.models import Entry
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.models import Incident
from anlan.loop.alarms.queries import timeline
from anlan.loop.calls import commands, ports
from anlan.loop.calls.models import Attempt, Call, Campaign
from anlan.loop.calls.rules import Outcome, Stage
from anlan.site.dialer import poll_or_tell
from tests.calls.story import alarm_at, everybody, expanded, news, run
from tests.cast import NOW, SYSTEM, Cast
from tools.phones.tests.conftest import Phones

pytestmark = pytest.mark.both


def owed(cast: Cast, due_at: datetime) -> Task:
    return tasks.assign(
        SYSTEM, kind="check", title="查看河沟", post=cast.posts["village:140427203204"], person=cast.persons["head"],
        area_code="140427203204", origin="check:1", due_at=due_at, required=["text"], now=NOW,
    )  # fmt: skip


@pytest.mark.django_db
class TestReminders:
    def test_a_task_that_is_late_rings_its_person_then_the_superior_and_stops_when_handed_in(
        self, cast: Cast, phones: Phones
    ) -> None:
        everybody(phones, "awake")
        due = NOW + timedelta(minutes=12)
        task = owed(cast, due)
        tasks.climb(SYSTEM, task, now=due - timedelta(seconds=600))
        run(phones, lambda: Call.objects.filter(person=cast.persons["head"], stage=Stage.ACKED).exists())
        call = Call.objects.get()
        assert (call.kind, call.attempts.count()) == ("reminder", 1)
        text = call.attempts.get().text
        assert "查看河沟" in text
        assert "22:12" in text
        for _ in range(2):
            task.refresh_from_db()
            tasks.climb(SYSTEM, task, now=due + timedelta(seconds=600))
        run(phones, lambda: Call.objects.filter(person=cast.persons["town"], stage=Stage.ACKED).exists())
        assert Call.objects.get(person=cast.persons["head"]).attempts.count() == 2
        tasks.add_evidence(SYSTEM, task, kind="text", text="沟里没有水", now=phones.clock.now())
        tasks.submit(SYSTEM, task, now=phones.clock.now())
        news()
        assert [c.end for c in Campaign.objects.all()] == ["lifted"]
        assert not Call.objects.open().exists()

    def test_a_step_of_a_finished_task_rings_nobody(self, cast: Cast) -> None:
        task = owed(cast, NOW)
        tasks.climb(SYSTEM, task, now=NOW)
        tasks.cancel(SYSTEM, task, reason="不用了", now=NOW)
        news()
        assert Entry.objects.filter(kind="tasks.step_due").count() == 1
        assert not Call.objects.open().exists()


@pytest.mark.django_db
class TestPeople:
    def test_a_number_that_does_not_exist_becomes_one_task_and_the_deputy_is_called(
        self, cast: Cast, phones: Phones
    ) -> None:
        everybody(phones, "awake", {str(cast.persons["head"].id): "bad"})
        alarm_at(cast)
        deputy = cast.persons["head_deputy"]
        run(phones, lambda: Call.objects.filter(person=deputy, stage=Stage.ACKED).exists())
        task = Task.objects.get(kind="number")
        assert task.origin.startswith(f"number:{cast.persons['head'].id}:")
        assert task.assignee_person == cast.persons["duty"]
        assert Attempt.objects.filter(call__person=cast.persons["head"], outcome=Outcome.BAD_NUMBER).count() == 1

    def test_the_door_is_given_to_somebody_awake_never_to_a_sleeper(self, cast: Cast, phones: Phones) -> None:
        everybody(phones, "deep", {str(cast.persons["monitor"].id): "awake"})
        alarm_at(cast)
        head = Call.objects.filter(person=cast.persons["head"], stage=Stage.AT_DOOR)
        run(phones, head.exists)
        task = head.get().door_task
        assert task is not None
        assert task.assignee_person == cast.persons["monitor"]

    def test_where_all_sleep_the_duty_officer_has_the_door(self, cast: Cast, phones: Phones) -> None:
        everybody(phones, "deep")
        alarm_at(cast)
        doors = Call.objects.filter(stage=Stage.AT_DOOR, kind="target")
        run(phones, lambda: doors.count() >= 2)
        assert {call.door_task.assignee_person for call in doors if call.door_task} == {cast.persons["duty"]}

    def test_a_raised_level_closes_the_campaign_below_it_and_its_answers_count_for_nothing(self, cast: Cast) -> None:
        alarm = alarm_at(cast, 3)
        first = expanded(alarm)
        answered = first.calls.get(person=cast.persons["head"])
        commands.end(SYSTEM, answered, "acknowledge", NOW)
        later = NOW + timedelta(minutes=2)
        alarms.step_level(SYSTEM, alarm, level=4, true_at=later, evidence={}, now=later)
        alarm.refresh_from_db()
        second = expanded(alarm, later)
        first.refresh_from_db()
        assert (first.end, second.closed_at) == ("superseded", None)
        assert first.calls.filter(stage=Stage.ACKED).count() == 1
        assert set(second.calls.values_list("stage", flat=True)) == {Stage.CALLING}


@pytest.mark.django_db(transaction=True)
class TestWebhook:
    def test_receipts_come_by_signed_webhook_and_wake(
        self, cast: Cast, phones: Phones, live_server: LiveServer
    ) -> None:
        ports.use(phones.channel())
        everybody(phones, "awake")
        alarm_at(cast)
        woken = Call.objects.filter(stage=Stage.ACKED)
        run(phones, lambda: woken.exists() and not Call.objects.open().exists(), f"{live_server.url}/hooks/voice")
        news()
        shown = timeline(cast.actor("zhiban"), Incident.objects.get()).filter(kind="calls.acked")
        assert shown.count() == woken.count()

    def test_an_unsigned_receipt_is_refused_and_changes_nothing(self, cast: Cast, phones: Phones) -> None:
        ports.use(phones.channel())
        expanded(alarm_at(cast))
        before = list(Call.objects.order_by("id").values()), Entry.objects.count()
        answer = Client().post("/hooks/voice", data=b'{"events": []}', content_type="application/json")
        assert answer.status_code == 401
        assert (list(Call.objects.order_by("id").values()), Entry.objects.count()) == before


@pytest.mark.django_db
def test_a_telephone_company_that_is_gone_is_told_once_and_its_receipts_are_not_lost(
    cast: Cast, phones: Phones, caplog: pytest.LogCaptureFixture
) -> None:
    everybody(phones, "awake")
    alarm_at(cast)
    run(phones, lambda: Attempt.objects.exclude(provider="").exists())
    channel = phones.channel()
    phones.stop()
    trouble = ""
    for _ in range(3):
        trouble = poll_or_tell(channel, phones.clock, trouble)
    assert trouble == "unreachable"
    assert sum("cannot be fetched" in line for line in caplog.messages) == 1
    phones.start()
    assert poll_or_tell(phones.channel(), phones.clock, trouble) == ""
    run(phones, lambda: not Call.objects.open().exists())
    assert set(Call.objects.values_list("stage", flat=True)) == {Stage.ACKED}
