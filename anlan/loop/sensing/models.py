"""Tables of devices and readings. Block, Chunk, Contact, Folding, Latest, Mark, Receipt, RollUp, Snapshot and Unrolled
live in the readings database and name rows by number: a series by its id, a day by its number since 1970."""

from __future__ import annotations

from django.db import models

from anlan.base.journal.scope import within
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES

from .kinds import STATES, TROUBLES


class DeviceQuerySet(models.QuerySet["Device"]):
    def visible_to(self, actor: Actor) -> DeviceQuerySet:
        visible = self.filter(within(actor, "place__area_code"), mode=actor.mode)
        return visible if actor.kinds is None else visible.filter(place__kind__in=actor.kinds)

    def in_use(self) -> DeviceQuerySet:
        return self.filter(disabled_at__isnull=True)


class Device(models.Model):
    """A thing that measures, admitted under an address of a protocol."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    protocol = models.CharField(max_length=20)
    address = models.CharField(max_length=64)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="devices")
    password = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    admitted_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, help_text="taken out of use: it is a stranger again, its data stays")
    config = models.JSONField(default=dict, help_text="how a device that is asked is reached, and its register map")

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = "设备"
        constraints = [models.UniqueConstraint(fields=["protocol", "address"], name="device_protocol_address")]


class Token(models.Model):
    """What a sender shows to push readings of its devices. Only its hash is here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token")
    hint = models.CharField(max_length=16, help_text="how it begins, to tell one from another")
    devices = models.ManyToManyField(Device, related_name="tokens")
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=80)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "接入令牌"


class Quarantine(models.Model):
    """A station that calls and is not admitted, or admitted under another password: shown, kept raw, never judged."""

    id = models.BigAutoField(primary_key=True)
    protocol = models.CharField(max_length=20)
    address = models.CharField(max_length=64)
    reason = models.CharField(max_length=20)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)
    last_frame = models.TextField(help_text="hex")
    peer = models.CharField(max_length=80)
    password = models.CharField(max_length=64, blank=True, help_text="what it said; sent in clear by the station")
    ignored_at = models.DateTimeField(null=True)
    ignored_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "未登记站"
        constraints = [models.UniqueConstraint(fields=["protocol", "address"], name="quarantine_protocol_address")]


class Series(models.Model):
    """One metric of one device. Its number stands in the blocks."""

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="series")
    metric = models.CharField(max_length=40)

    class Meta:
        verbose_name = "序列"
        constraints = [models.UniqueConstraint(fields=["device", "metric"], name="series_device_metric")]


class Block(models.Model):
    """The readings of one micro-batch as packed columns (see blocks.py), in order of arrival. Never changed, but that
    readings entered by hand are marked when they are withdrawn."""

    id = models.BigAutoField(primary_key=True)
    arrived_at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=64, help_text="fingerprint of the messages in it")
    count = models.PositiveIntegerField()
    first_ms = models.BigIntegerField()
    last_ms = models.BigIntegerField(db_index=True)
    packed = models.BinaryField()

    class Meta:
        verbose_name = "数据块"


class Latest(models.Model):
    """The newest reading of a series by event time. Derived from the blocks, kept for pages."""

    series = models.BigIntegerField(primary_key=True)
    at_ms = models.BigIntegerField()
    value = models.FloatField(null=True)
    quality = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "最新值"


class Mark(models.Model):
    """Up to which block something was derived from the blocks."""

    name = models.CharField(max_length=20, primary_key=True)
    block = models.BigIntegerField()

    class Meta:
        verbose_name = "进度"


class Receipt(models.Model):
    """A delivery that was stored under the sender's own key, and what was answered: sent again, it is answered again
    and not stored again."""

    key = models.CharField(max_length=64, primary_key=True, help_text="hash of the sender and its key")
    body = models.CharField(max_length=64, help_text="hash of what was sent")
    answer = models.TextField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "收据"


class Snapshot(models.Model):
    """The judgement kernel's state after a block."""

    id = models.BigAutoField(primary_key=True)
    taken_at = models.DateTimeField()
    block = models.BigIntegerField()
    plan = models.CharField(max_length=64)
    state = models.BinaryField()

    class Meta:
        verbose_name = "判别快照"


class Contact(models.Model):
    """How a device was last in touch. Written by the gateway every few seconds, in the readings database."""

    device = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    peer = models.CharField(max_length=80)
    frames = models.BigIntegerField(default=0)
    offset_ms = models.BigIntegerField(null=True, help_text="its clock minus ours when it sent; null = it does not say")
    slowed = models.PositiveIntegerField(default=0, help_text="frames that had to wait because it sends too many")

    class Meta:
        verbose_name = "设备联络"


class Trouble(models.Model):
    """Something wrong with a connection rather than with data: a flood, or one address at two places."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, help_text="see kinds.TROUBLES")
    protocol = models.CharField(max_length=20)
    address = models.CharField(max_length=64, blank=True)
    peer = models.CharField(max_length=80, blank=True)
    other_peer = models.CharField(max_length=80, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "连接异常"
        constraints = [
            models.UniqueConstraint(fields=["kind", "protocol", "address", "peer"], name="trouble_once")
        ]  # fmt: skip

    @property
    def word(self) -> str:
        return TROUBLES.get(self.kind, self.kind)


class StationCommand(models.Model):
    """Something asked of a station: sent by the gateway when it is connected, answered by the station, or expired."""

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="commands")
    what = models.CharField(max_length=20)
    details = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=list(STATES.items()), default="queued")
    by = models.CharField(max_length=120)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=20, blank=True, help_text="what the answer will name")
    answer = models.JSONField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "下发"
        indexes = [models.Index(fields=["device", "asked_at"], name="stationcommand_device_asked")]


class Attachment(models.Model):
    """A picture or a text that a station sent, kept as a file below the site's data folder."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="attachments")
    kind = models.CharField(max_length=10)
    taken_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    file = models.FileField(upload_to="stations/%Y%m")

    class Meta:
        verbose_name = "站上附件"
        constraints = [
            models.UniqueConstraint(fields=["device", "sha256", "taken_at"], name="attachment_once")
        ]  # fmt: skip


class ManualBatch(models.Model):
    """A sheet of readings that somebody wrote down: looked at first, stored by the gateway, taken back as a whole.

    lines: what was written, each with what is wrong with it ("" = nothing). rows: the good ones, [device, metric, time
    in ms, value]. before: what stood at their times when they were stored, [value, quality] or null.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    file_name = models.CharField(max_length=200)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    state = models.CharField(max_length=12, default="preview")
    by = models.CharField(max_length=120)
    account_id = models.BigIntegerField(null=True)
    entered_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    lines = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    before = models.JSONField(null=True)
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "人工数据"


class Chunk(models.Model):
    """One series' readings of one hydrological day, folded out of the blocks: by event time, of a repeat the last one.

    day: number of the UTC day; it is the day 08–08 of Beijing, and holds start < time ≤ end. version: how often it was
    written; a late reading makes a new one.
    """

    id = models.BigAutoField(primary_key=True)
    series = models.BigIntegerField()
    day = models.IntegerField()
    version = models.PositiveIntegerField(default=1)
    count = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        verbose_name = "数据段"
        constraints = [models.UniqueConstraint(fields=["series", "day"], name="chunk_series_day")]


class Unrolled(models.Model):
    """A day of a series whose roll-ups do not say yet what its chunk says: readers count it from the chunk."""

    id = models.BigAutoField(primary_key=True)
    series = models.BigIntegerField()
    day = models.IntegerField(db_index=True)

    class Meta:
        verbose_name = "待汇总"
        constraints = [models.UniqueConstraint(fields=["series", "day"], name="unrolled_series_day")]


class RollUp(models.Model):
    """Least, greatest, mean, last, count and rain of each step of a series, many steps in one row; kept for good.

    step: "h" hour or "d" hydrological day. period: which run of days (rollups.PERIOD_DAYS of them).
    """

    id = models.BigAutoField(primary_key=True)
    series = models.BigIntegerField()
    step = models.CharField(max_length=1)
    period = models.IntegerField()
    count = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        verbose_name = "汇总"
        constraints = [models.UniqueConstraint(fields=["series", "step", "period"], name="rollup_series_step_period")]


class Folding(models.Model):
    """How far folding has come; one row. block: every block up to it is in the chunks. blocks_from: what arrived since
    is still there as blocks (null = everything). raw_from: days before it are only there as roll-ups."""

    id = models.BigAutoField(primary_key=True)
    block = models.BigIntegerField(default=0)
    blocks_from = models.DateTimeField(null=True)
    raw_from = models.IntegerField(null=True)
    folded_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=200, blank=True, help_text="why blocks were not dropped")

    class Meta:
        verbose_name = "折叠进度"
