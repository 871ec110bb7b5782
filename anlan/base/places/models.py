"""Areas (dated, code as prefix) and places (kind and typed attributes from a pack)."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from anlan.base.journal.scope import within
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES


class AreaQuerySet(models.QuerySet["Area"]):
    def visible_to(self, actor: Actor) -> AreaQuerySet:
        """The actor's subtrees, and the nodes above them that lead there."""
        above = {prefix[:n] for prefix in actor.areas for n in (2, 4, 6, 9) if n < len(prefix)}
        return self.filter(within(actor, "code") | Q(code__in=above))

    def in_force(self, on: date) -> AreaQuerySet:
        return self.filter(valid_from__lte=on).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on))


class Area(models.Model):
    """A node of the statutory tree. `code` has no trailing zeros, so that a subtree is a prefix (140427…)."""

    LEVELS = [("province", "省"), ("city", "市"), ("county", "县区"), ("town", "乡镇街道"), ("village", "村社区")]

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    level = models.CharField(max_length=8, choices=LEVELS)
    parent_code = models.CharField(max_length=12, blank=True, db_index=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    search_text = models.CharField(max_length=200, blank=True)

    objects = AreaQuerySet.as_manager()

    class Meta:
        verbose_name = "区划"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class PlaceQuerySet(models.QuerySet["Place"]):
    def visible_to(self, actor: Actor) -> PlaceQuerySet:
        """Places of the actor's mode, areas and supervised kinds."""
        visible = self.filter(within(actor), mode=actor.mode)
        return visible if actor.kinds is None else visible.filter(kind__in=actor.kinds)


class Place(models.Model):
    """Anything somebody answers for. `attributes` are typed by the kind's pack."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=40, db_index=True)
    area_code = models.CharField(max_length=12, db_index=True)
    lon = models.FloatField(help_text="degrees, WGS-84")
    lat = models.FloatField(help_text="degrees, WGS-84")
    attributes = models.JSONField(default=dict)
    people_at_risk = models.PositiveIntegerField(default=0)
    households = models.PositiveIntegerField(default=0)
    synthetic = models.BooleanField(default=False)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    search_text = models.CharField(max_length=240, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "对象"
        constraints = [models.UniqueConstraint(fields=["mode", "code"], name="place_mode_code")]
        indexes = [models.Index(fields=["mode", "kind", "area_code"], name="place_mode_kind_area")]

    def __str__(self) -> str:
        return self.name
