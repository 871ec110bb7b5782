"""Tables of alarms and incidents."""

from __future__ import annotations

from django.db import models

from anlan.base.journal.scope import within
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import LEVEL_CHOICES, MODE_CHOICES

from .rules import WORDS, RuleFacts, State, state_of


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, actor: Actor) -> IncidentQuerySet:
        return self.filter(within(actor), mode=actor.mode)

    def open(self) -> IncidentQuerySet:
        return self.filter(closed_at__isnull=True)


class Incident(models.Model):
    """The case that gathers alarms, calls, tasks and reports of one happening. Its id is the journal's `case`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    title = models.CharField(max_length=120)
    hazard = models.CharField(max_length=40)
    area_code = models.CharField(max_length=12, db_index=True)
    level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    peak_level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    people_at_risk = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    last_alarm_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, db_index=True)
    closed_by = models.CharField(max_length=80, blank=True)
    closing_note = models.CharField(max_length=240, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = "事件"
        indexes = [models.Index(fields=["mode", "hazard", "closed_at"], name="incident_mode_hazard_closed")]


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def visible_to(self, actor: Actor) -> AlarmQuerySet:
        visible = self.filter(within(actor), mode=actor.mode)
        return visible if actor.kinds is None else visible.filter(place__kind__in=actor.kinds)

    def open(self) -> AlarmQuerySet:
        return self.filter(cleared_at__isnull=True)


class Alarm(models.Model):
    """A signal judged to matter. `open_key` makes "one open alarm per rule, place and mode" a unique index."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=200, unique=True)
    open_key = models.CharField(max_length=160, unique=True, null=True)
    rule = models.CharField(max_length=80, db_index=True)
    rule_frozen = models.JSONField()
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="alarms")
    area_code = models.CharField(max_length=12, db_index=True)
    incident = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="alarms")
    level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    judged_level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    peak_level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    people_at_risk = models.PositiveIntegerField(default=0)
    evidence = models.JSONField(default=dict)
    raised_at = models.DateTimeField(help_text="event time (true_at)", db_index=True)
    known_at = models.DateTimeField(help_text="when it could be known")
    level_at = models.DateTimeField(help_text="when the level in force began")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=80, blank=True)
    eased_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True, db_index=True)
    cleared_by = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=240, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = "警情"
        indexes = [models.Index(fields=["mode", "cleared_at", "level"], name="alarm_mode_cleared_level")]

    @property
    def facts(self) -> RuleFacts:
        """The rule as it was when the alarm was raised."""
        return RuleFacts(**self.rule_frozen)

    @property
    def state(self) -> State:
        return state_of(self.eased_at, self.cleared_at)

    @property
    def state_word(self) -> str:
        return WORDS[self.state]


class RuleChange(models.Model):
    """Who changed a rule on its page, when and why: the pack's text before and after. "" = as shipped."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    urn = models.CharField(max_length=80, db_index=True)
    version = models.CharField(max_length=40)
    changed_at = models.DateTimeField(db_index=True)
    changed_by = models.CharField(max_length=80)
    account_id = models.IntegerField(null=True)
    why = models.CharField(max_length=240)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    class Meta:
        verbose_name = "规则改动"
