"""Tables of the journal. An entry is written unsealed with its change; sealing gives it offset and hash."""

from __future__ import annotations

from django.db import models

from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES

from .scope import within


class EntryQuerySet(models.QuerySet["Entry"]):
    def visible_to(self, actor: Actor) -> EntryQuerySet:
        """Entries of the actor's mode in its areas; entries of no area are shown to whoever may read the journal."""
        return self.filter(within(actor, "area", unplaced=actor.may("journal.read")), mode=actor.mode)

    def sealed(self) -> EntryQuerySet:
        return self.filter(offset__isnull=False).order_by("offset")

    def unsealed(self) -> EntryQuerySet:
        return self.filter(offset__isnull=True).order_by("id")


class Entry(models.Model):
    """One line. Ids and numbers only: never a name, a phone, a text that somebody wrote about a person."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=80, db_index=True)
    actor = models.CharField(max_length=80)
    account_id = models.BigIntegerField(null=True)
    area = models.CharField(max_length=12, blank=True, db_index=True)
    place_id = models.UUIDField(null=True, db_index=True)
    case_id = models.UUIDField(null=True, db_index=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    happened_at = models.DateTimeField(db_index=True)
    recorded_at = models.DateTimeField()
    data = models.JSONField(default=dict)
    offset = models.BigIntegerField(null=True, unique=True)
    hash = models.CharField(max_length=64, blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = "记录"


class Head(models.Model):
    """The single row that says how far sealing has come. Changed only by the sealer, conditionally."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    offset = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")
    sealed_at = models.DateTimeField(null=True)


class Cursor(models.Model):
    """How far one subscription has read; `failures` counts tries of the entry that follows."""

    name = models.CharField(max_length=80, primary_key=True)
    offset = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)


class Parked(models.Model):
    """An entry that a subscription could not take after many tries: shown to people, never silently dropped."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subscription = models.CharField(max_length=80)
    offset = models.BigIntegerField()
    error = models.TextField()
    parked_at = models.DateTimeField()


class Counter(models.Model):
    """Serial numbers by name (RW-20260721), counted by UPDATE so that two processes never draw the same."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.BigIntegerField(default=0)
