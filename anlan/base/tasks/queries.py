"""Reads of tasks, inside what the actor sees."""

from datetime import datetime

from anlan.kernel.actor import Actor
from anlan.kernel.errors import NotFound

from .models import Task, TaskQuerySet
from .rules import OWED


def visible_tasks(actor: Actor) -> TaskQuerySet:
    return Task.objects.visible_to(actor)


def task(actor: Actor, task_id: str) -> Task:
    """One task. Raises NotFound where the actor does not see it."""
    found = visible_tasks(actor).filter(id=task_id).select_related("assignee_post", "assignee_person", "place").first()
    if found is None:
        raise NotFound("tasks.not_found", "没有这个任务，或不在您的辖区内")
    return found


def my_tasks(actor: Actor) -> TaskQuerySet:
    """What the actor itself owes, the most urgent first."""
    if actor.person_id is None:
        return Task.objects.none()
    mine = Task.objects.filter(mode=actor.mode, assignee_person_id=actor.person_id)
    return mine.order_by("deadline")


def overdue(actor: Actor, now: datetime) -> TaskQuerySet:
    return visible_tasks(actor).filter(state__in=[state.value for state in OWED], deadline__lt=now)
