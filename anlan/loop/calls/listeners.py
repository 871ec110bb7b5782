"""What the calls hear: alarms open campaigns, lifting ends them, door tasks reach people. Idempotent throughout."""

from anlan.base.journal.models import Entry
from anlan.base.journal.subscriptions import subscribe
from anlan.base.tasks.models import Task
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.modes import Mode
from anlan.loop.alarms.models import Alarm

from . import commands, reminders
from .models import Call, Campaign


def _me(entry: Entry) -> Actor:
    return system_actor("calls", Mode(entry.mode))


@subscribe("calls.open_campaign", "alarms.raised", "alarms.level_raised", "alarms.resumed")
def alarm_raised(entry: Entry) -> None:
    alarm = Alarm.objects.select_related("incident", "place").filter(id=entry.data["alarm"]).first()
    if alarm is not None:
        commands.open_campaign(_me(entry), alarm, now=entry.happened_at)


@subscribe("calls.lift", "alarms.cleared", "incidents.closed")
def alarm_over(entry: Entry) -> None:
    incident = entry.data.get("incident")
    if incident is None or Alarm.objects.open().filter(incident_id=incident).exists():
        return
    for campaign in Campaign.objects.open().filter(incident_id=incident):
        commands.lift(_me(entry), campaign, now=entry.happened_at)


@subscribe("calls.door", "tasks.submitted", "tasks.verified", "tasks.returned")
def door_news(entry: Entry) -> None:
    origin = str(entry.data.get("origin", ""))
    if not origin.startswith("door:"):
        return
    call = Call.objects.select_related("campaign").filter(id=origin.split(":")[1]).first()
    if call is None:
        return
    act = commands.door_returned if entry.kind == "tasks.returned" else commands.door_done
    act(_me(entry), call, now=entry.happened_at)


@subscribe("calls.remind", "tasks.step_due")
def task_step(entry: Entry) -> None:
    task = Task.objects.select_related("assignee_post__superior", "assignee_person", "place").get(id=entry.data["task"])
    reminders.remind(_me(entry), task, to=str(entry.data["to"]), now=entry.happened_at)


@subscribe("calls.reminder_over", "tasks.submitted", "tasks.verified", "tasks.cancelled")
def task_over(entry: Entry) -> None:
    task = Task.objects.get(id=entry.data["task"])
    if task.state in ("submitted", "verified", "cancelled"):
        reminders.over(_me(entry), task, now=entry.happened_at)
