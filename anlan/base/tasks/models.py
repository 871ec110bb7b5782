"""Tables of tasks and their evidence."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from anlan.base.journal.scope import within
from anlan.base.people.models import Person, Post
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES

from .rules import EVIDENCE, OPEN, WORDS, State


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, actor: Actor) -> TaskQuerySet:
        """Tasks in the actor's areas for whoever may verify or assign; else the actor's own."""
        visible = self.filter(mode=actor.mode)
        own = Q(assignee_person_id=actor.person_id) if actor.person_id else Q(pk__in=[])
        if actor.may("tasks.verify") or actor.may("tasks.assign"):
            return visible.filter(within(actor) | own)
        return visible.filter(own)

    def open(self) -> TaskQuerySet:
        return self.filter(state__in=[state.value for state in OPEN])


class Task(models.Model):
    """One thing owed. `origin` makes its making idempotent; `deadline` is its end, `due_at` its next ladder step."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24)
    kind = models.CharField(max_length=40, db_index=True)
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    assignee_post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="tasks")
    assignee_person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="tasks")
    area_code = models.CharField(max_length=12, db_index=True)
    place = models.ForeignKey(Place, null=True, on_delete=models.PROTECT, related_name="tasks")
    case_id = models.UUIDField(null=True, db_index=True)
    origin = models.CharField(max_length=120, unique=True)
    people_at_risk = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=10,
        choices=[(state.value, word) for state, word in WORDS.items()],
        default=State.ASSIGNED.value,
        db_index=True,
    )
    required = models.JSONField(default=list)
    ladder = models.JSONField(default=list)
    ladder_ref = models.CharField(max_length=120, blank=True)
    steps_taken = models.PositiveSmallIntegerField(default=0)
    deadline = models.DateTimeField(db_index=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    assigned_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=240, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = "任务"
        indexes = [models.Index(fields=["mode", "state", "deadline"], name="task_mode_state_deadline")]


class Evidence(models.Model):
    """One proof. `true_at` is when it was made, `added_at` when it arrived."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=12, choices=list(EVIDENCE.items()))
    text = models.TextField(blank=True)
    number = models.IntegerField(null=True)
    file = models.FileField(upload_to="evidence/%Y%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    by = models.CharField(max_length=80)
    true_at = models.DateTimeField()
    added_at = models.DateTimeField()

    class Meta:
        verbose_name = "凭证"
        ordering = ["true_at", "id"]
