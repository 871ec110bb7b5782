"""What alarms, incidents, campaigns, calls and tasks are called in the journal, and the page each leads to.

Only what the actor sees is named, and only who may open the page gets its address.
"""

from django.urls import reverse

from anlan.base.journal.references import RESOLVERS, Reference
from anlan.base.tasks.queries import visible_tasks
from anlan.kernel.actor import Actor
from anlan.loop.alarms.queries import visible_alarms, visible_incidents
from anlan.loop.calls.models import Call, Campaign


def _alarms(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    may = actor.may("alarms.read")
    return {
        str(alarm.id): Reference(
            f"{alarm.place.name} {alarm.facts.title}",
            reverse("incident", args=[alarm.incident.number]) if may and alarm.incident else "",
        )
        for alarm in visible_alarms(actor).filter(id__in=keys)
    }


def _incidents(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    may = actor.may("alarms.read")
    return {
        str(one.id): Reference(f"{one.title} {one.number}", reverse("incident", args=[one.number]) if may else "")
        for one in visible_incidents(actor).filter(id__in=keys)
    }


def _campaigns(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    may = actor.may("calls.read")
    return {
        str(one.id): Reference(f"{one.title} {one.number}", reverse("call-board", args=[one.number]) if may else "")
        for one in Campaign.objects.visible_to(actor).filter(id__in=keys)
    }


def _calls(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    """A call is named by the posts it reaches, never by the person."""
    may = actor.may("calls.read")
    found = Call.objects.visible_to(actor).filter(id__in=keys).select_related("campaign")
    return {
        str(call.id): Reference(
            "、".join(call.posts) or call.campaign.number,
            reverse("call-board", args=[call.campaign.number]) if may else "",
        )
        for call in found
    }


def _tasks(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    may = actor.may("tasks.do")
    return {
        str(task.id): Reference(task.title, reverse("task", args=[task.id]) if may else "")
        for task in visible_tasks(actor).filter(id__in=keys)
    }


RESOLVERS.add("alarm", _alarms)
RESOLVERS.add("incident", _incidents)
RESOLVERS.add("campaign", _campaigns)
RESOLVERS.add("call", _calls)
RESOLVERS.add("task", _tasks)
