"""Tables of devices and readings. Block, Latest, Snapshot, Chunk, Unrolled, RollUp and Folding live in the readings
database and name rows by number: a series by its id, a day by its number since 1970."""

from __future__ import annotations

from django.db import models

from anlan.base.journal.scope import within
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES


class DeviceQuerySet(models.QuerySet["Device"]):
    def visible_to(self, actor: Actor) -> DeviceQuerySet:
        visible = self.filter(within(actor, "place__area_code"), mode=actor.mode)
        return visible if actor.kinds is None else visible.filter(place__kind__in=actor.kinds)


class Device(models.Model):
    """A thing that measures, admitted under an address of a protocol."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    protocol = models.CharField(max_length=20)
    address = models.CharField(max_length=64)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="devices")
    password = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    admitted_at = models.DateTimeField()

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = "设备"
        constraints = [models.UniqueConstraint(fields=["protocol", "address"], name="device_protocol_address")]


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
    """The readings of one micro-batch as packed columns (see blocks.py), in order of arrival. Never changed."""

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


class Snapshot(models.Model):
    """The judgement kernel's state after a block."""

    id = models.BigAutoField(primary_key=True)
    taken_at = models.DateTimeField()
    block = models.BigIntegerField()
    plan = models.CharField(max_length=64)
    state = models.BinaryField()

    class Meta:
        verbose_name = "判别快照"


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
