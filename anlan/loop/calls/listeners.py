"""What the calls hear: alarms open campaigns, lifting ends them, door tasks reach people. Idempotent throughout."""

from anlan.base.journal.models import Entry
from anlan.base.journal.subscriptions import subscribe
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.modes import Mode
from anlan.loop.alarms.models import Alarm

from . import commands
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
