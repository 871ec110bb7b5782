"""Tables of campaigns, calls, attempts and the receipts already taken. No behaviour beyond reading itself."""

from __future__ import annotations

from django.db import models

from anlan.base.journal.scope import within
from anlan.base.people.models import Person, Post
from anlan.base.places.models import Place
from anlan.base.tasks.models import Task
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.ladders import CallRung
from anlan.kernel.modes import LEVEL_CHOICES, MODE_CHOICES
from anlan.loop.alarms.models import Alarm, Incident

from .rules import OPEN, OUTCOME_WORDS, STAGE_WORDS, AttemptFacts, CallFacts, Kind, Line, Outcome, Stage


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, actor: Actor) -> CampaignQuerySet:
        return self.filter(within(actor), mode=actor.mode)

    def open(self) -> CampaignQuerySet:
        return self.filter(closed_at__isnull=True)


class Campaign(models.Model):
    """Persons to be woken for one incident at one level. `origin` makes its opening idempotent; the rung is frozen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24)
    origin = models.CharField(max_length=120, unique=True)
    incident = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="campaigns")
    title = models.CharField(max_length=120)
    hazard = models.CharField(max_length=40)
    area_code = models.CharField(max_length=12, db_index=True)
    level = models.PositiveSmallIntegerField(choices=LEVEL_CHOICES)
    ladder = models.JSONField()
    ladder_ref = models.CharField(max_length=120)
    message_ref = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    text_version = models.CharField(max_length=16, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    closed_at = models.DateTimeField(null=True, db_index=True)
    end = models.CharField(max_length=12, blank=True, help_text="superseded, cancelled or lifted")
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "叫应"

    @property
    def rung(self) -> CallRung:
        """The ladder as it was when the campaign opened."""
        return CallRung.model_validate(self.ladder)


class Want(models.Model):
    """An alarm whose persons are still to be added to a campaign: the intent that a worker expands."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="wants")
    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT)
    due_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "alarm"], name="want_campaign_alarm")]


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, actor: Actor) -> CallQuerySet:
        return self.filter(within(actor), mode=actor.mode)

    def open(self) -> CallQuerySet:
        return self.filter(stage__in=[stage.value for stage in OPEN])


class Call(models.Model):
    """One person of a campaign, with all posts and places that this person answers for in it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=120, unique=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="calls")
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in Kind])
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="calls")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="calls")
    posts = models.JSONField(default=list, help_text="titles of all posts that this call reaches")
    place = models.ForeignKey(Place, null=True, on_delete=models.PROTECT)
    places = models.ManyToManyField(Place, related_name="calls")
    area_code = models.CharField(max_length=12, db_index=True)
    people_at_risk = models.PositiveIntegerField(default=0)
    households = models.PositiveIntegerField(default=0)
    stage = models.CharField(max_length=12, choices=[(s.value, w) for s, w in STAGE_WORDS.items()], db_index=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    t_wake_at = models.DateTimeField()
    widened_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    hurry = models.BooleanField(default=False)
    ask = models.BooleanField(default=False)
    reason = models.CharField(max_length=240, blank=True)
    door_task = models.ForeignKey(Task, null=True, on_delete=models.PROTECT, related_name="calls")
    text = models.TextField(blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = "呼叫"

    @property
    def facts(self) -> CallFacts:
        """What the rules decide on."""
        attempts = self.attempts.filter(planned_at__gte=self.opened_at).order_by("n")
        return CallFacts(
            stage=Stage(self.stage),
            kind=Kind(self.kind),
            opened_at=self.opened_at,
            number_known=bool(self.person and self.person.phone),
            attempts=tuple(attempt.facts for attempt in attempts),
            chain=tuple(Stage(link.child.stage) for link in self.chain.select_related("child") if link.child),
            widened_at=self.widened_at,
            told_at=self.told_at,
            hurry=self.hurry,
            ask=self.ask,
        )


class Link(models.Model):
    """Who was called for somebody not reached; no child = nobody holds that rank."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    parent = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="chain")
    child = models.ForeignKey(Call, null=True, on_delete=models.CASCADE, related_name="parents")
    kind = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parent", "kind"], name="link_parent_kind")]


class Attempt(models.Model):
    """One try on one channel. Its id is the idempotency key that the channel is given."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="attempts")
    n = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=20)
    provider = models.CharField(max_length=64, blank=True)
    line = models.CharField(max_length=10, choices=[(line.value, line.value) for line in Line], db_index=True)
    outcome = models.CharField(max_length=12, choices=[(o.value, w) for o, w in OUTCOME_WORDS.items()], blank=True)
    planned_at = models.DateTimeField()
    again_at = models.DateTimeField()
    deadline = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    seconds = models.FloatField(default=0, help_text="played")
    of = models.FloatField(default=0, help_text="length of the text, seconds")
    text = models.TextField()
    text_version = models.CharField(max_length=16)
    confirm_keys = models.JSONField(default=list, help_text="digits that mean heard and understood")

    class Meta:
        verbose_name = "拨打"
        constraints = [models.UniqueConstraint(fields=["call", "n"], name="attempt_call_n")]

    @property
    def facts(self) -> AttemptFacts:
        outcome = Outcome(self.outcome) if self.outcome else None
        return AttemptFacts(
            self.n, Line(self.line), self.again_at, self.deadline, self.ended_at, outcome, self.seconds, self.of
        )


class Taken(models.Model):
    """A receipt that was taken: a second one of the same id changes nothing."""

    id = models.CharField(max_length=90, primary_key=True)
    at = models.DateTimeField()


class PollCursor(models.Model):
    """How far a channel's receipts were polled."""

    channel = models.CharField(max_length=20, primary_key=True)
    cursor = models.CharField(max_length=64, blank=True)
