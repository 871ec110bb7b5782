"""Readings that people write down, with the times at which they read them: checked line by line, looked at, stored by
the gateway like any other reading, marked as entered by hand, taken back as a whole.

Never: a reading stored here; the gateway alone writes readings, and rows that are due tell it of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from anlan.base.journal.commands import command, record
from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.kernel.clock import BEIJING
from anlan.kernel.errors import Conflict, NotFound
from anlan.kernel.judging.kernel import HORIZON_MS

from .models import Device, ManualBatch, Series
from .queries import ms, source_packs
from .sheet import Line

JUDGED_S = HORIZON_MS / 1000
"""Older readings are kept and shown, not judged."""
PROTOCOL = "manual"
"""Of a place where nothing measures but people."""
EARLIEST = datetime(1950, 1, 1, tzinfo=UTC)
MOST = 1e7
NAMES = {"累计雨量": "rain.accumulated", "五分钟雨量": "rain.five_minute", "当前雨量": "rain.current", "水位": "stage"}
FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M")
PREVIEW, QUEUED, STORED, WITHDRAWING, WITHDRAWN = "preview", "queued", "stored", "withdrawing", "withdrawn"
STATES = {
    PREVIEW: "待确认", QUEUED: "等待入库", STORED: "已入库", WITHDRAWING: "正在撤回", WITHDRAWN: "已撤回",
}  # fmt: skip
Row = tuple[str, str, int, float | None]
"""Device ("" and the place's code, where it has none yet), metric, time in ms, value."""


class LineFault(Exception):
    """args: what is wrong with a line, in words for the person who wrote it."""


def metrics(devices: QuerySet[Device] | None = None) -> list[tuple[str, str]]:
    """What may stand in the column of metrics, with its Chinese name where it has one."""
    known = dict.fromkeys(sorted(Series.objects.filter(device__in=devices).values_list("metric", flat=True)), "") if (
        devices is not None
    ) else {}  # fmt: skip
    for pack in source_packs().values():
        known |= {source.metric: "" for source in pack.sources}
    return [(metric, next((name for name, one in NAMES.items() if one == metric), "")) for metric in known]


class Checker:
    """Checks lines against what the actor sees. Reads each table once."""

    def __init__(self, actor: Actor, now: datetime) -> None:
        self.now = now
        self.places = {place.code.upper(): place for place in visible_places(actor)}
        self.by_place: dict[UUID, list[Device]] = {}
        self.by_address: dict[str, list[Device]] = {}
        seen = Device.objects.visible_to(actor).in_use()
        for device in seen:
            self.by_place.setdefault(device.place_id, []).append(device)
            self.by_address.setdefault(device.address, []).append(device)
        self.metrics = {metric for metric, _name in metrics(seen)}
        self.taken: set[tuple[str, str, int]] = set()

    def check(self, line: Line) -> Row:
        """A line as a row. Raises LineFault."""
        place, metric, when, value = line
        device = self._device(place)
        name = NAMES.get(metric, metric.lower())
        if name not in self.metrics:
            raise LineFault(_("没有要素“%(metric)s”，见模板第二页") % {"metric": metric})
        at = self._moment(when)
        row = (device, name, ms(at), self._value(value))
        if row[:3] in self.taken:
            raise LineFault(_("同一时间在上面已经有一行"))
        self.taken.add(row[:3])
        return row

    def _device(self, text: str) -> str:
        if not text:
            raise LineFault(_("缺对象"))
        found = self.by_address.get(text.upper(), [])
        place = self.places.get(text.upper())
        if place is not None:
            found = self.by_place.get(place.id, [])
            if not found:
                return f"{PROTOCOL}:{place.code}"
        if not found:
            raise LineFault(_("没有对象或设备“%(text)s”，或不在您的辖区内") % {"text": text})
        if len(found) > 1:
            raise LineFault(_("“%(text)s”有几台设备，请写设备的地址") % {"text": text})
        return str(found[0].id)

    def _moment(self, text: str) -> datetime:
        moment = None
        for form in FORMS:
            try:
                moment = datetime.strptime(text, form).replace(tzinfo=BEIJING)
                break
            except ValueError:
                continue
        if moment is None:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise LineFault(_("时间“%(text)s”读不懂，如 2026-07-20 14:05") % {"text": text}) from None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
        if moment > self.now:
            raise LineFault(_("时间在将来"))
        if moment < EARLIEST:
            raise LineFault(_("时间太早"))
        return moment

    def _value(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise LineFault(_("数值“%(text)s”不是数") % {"text": text}) from None
        if not abs(value) <= MOST:
            raise LineFault(_("数值“%(text)s”太大") % {"text": text})
        return value


@command("sensing.enter", permission="sensing.enter")
def enter(actor: Actor, *, file_name: str, lines: Sequence[Line], now: datetime) -> ManualBatch:
    """Keep a sheet to be looked at, each line with what is wrong with it. Nothing is stored yet."""
    checker = Checker(actor, now)
    rows: list[Row] = []
    told = []
    for line in lines:
        wrong = ""
        try:
            rows.append(checker.check(line))
        except LineFault as fault:
            wrong = str(fault)
        told.append([*(cell[:200] for cell in line), wrong])
    return ManualBatch.objects.create(
        file_name=file_name[:200], mode=actor.mode, by=actor.label, account_id=actor.account_id, entered_at=now,
        lines=told, rows=[list(row) for row in rows], good=len(rows), bad=len(told) - len(rows),
    )  # fmt: skip


def visible_batches(actor: Actor) -> QuerySet[ManualBatch]:
    """Sheets that the actor entered; who may admit devices sees those of all."""
    if not actor.may("sensing.enter"):
        return ManualBatch.objects.none()
    found = ManualBatch.objects.filter(mode=actor.mode)
    everywhere = "" in actor.areas or actor.may("sensing.admit")
    return found if everywhere else found.filter(by=actor.label)


def batch(actor: Actor, number: UUID) -> ManualBatch:
    """One sheet. Raises NotFound."""
    found = visible_batches(actor).filter(id=number).first()
    if found is None:
        raise NotFound("sensing.no_batch", _("没有这批人工数据"))
    return found


@command("sensing.confirm", permission="sensing.enter")
def confirm(actor: Actor, batch: ManualBatch, *, now: datetime) -> ManualBatch:
    """The good lines are to be stored. Again changes nothing. Raises Conflict where there is none."""
    if not batch.good:
        raise Conflict("sensing.nothing_good", _("没有一行能入库"), _("改好文件再上传"))
    moved = ManualBatch.objects.filter(id=batch.id, state=PREVIEW).update(
        state=QUEUED, due_at=now, rows=_with_devices(actor, batch, now)
    )
    if moved:
        _tell(actor, "sensing.manual_entered", batch, now)
    batch.refresh_from_db()
    return batch


def _with_devices(actor: Actor, batch: ManualBatch, now: datetime) -> list[list[object]]:
    """Rows with the device of each; a place where nothing measures gets one that stands for the people there."""
    made: dict[str, str] = {}
    for name in {str(row[0]) for row in batch.rows}:
        if name.startswith(f"{PROTOCOL}:"):
            place = Place.objects.get(code=name.split(":", 1)[1], mode=batch.mode)
            made[name] = str(_device_for(actor, place, now).id)
    return [[made.get(str(row[0]), row[0]), *row[1:]] for row in batch.rows]


def _device_for(actor: Actor, place: Place, now: datetime) -> Device:
    device, new = Device.objects.get_or_create(
        protocol=PROTOCOL, address=place.code.upper()[:64],
        defaults={"place": place, "mode": place.mode, "admitted_at": now},
    )  # fmt: skip
    if new:
        record(
            actor, "sensing.device_registered", subject=f"device:{device.id}", now=now, area=place.area_code,
            place=place.id, data={"device": str(device.id), "protocol": PROTOCOL, "address": device.address},
        )  # fmt: skip
    return device


@command("sensing.withdraw", permission="sensing.enter")
def withdraw(actor: Actor, batch: ManualBatch, *, now: datetime) -> ManualBatch:
    """Take a stored sheet back: what stood before stands again. Raises Conflict while it is not stored."""
    if batch.state in (WITHDRAWING, WITHDRAWN):
        return batch
    moved = ManualBatch.objects.filter(id=batch.id, state=STORED).update(state=WITHDRAWING, due_at=now)
    if not moved:
        raise Conflict("sensing.not_stored", _("这批数据还没有入库"))
    _tell(actor, "sensing.manual_withdrawn", batch, now)
    batch.refresh_from_db()
    return batch


@command("sensing.discard", permission="sensing.enter")
def discard(actor: Actor, batch: ManualBatch, *, now: datetime) -> None:
    """Forget a sheet that was only looked at. Raises Conflict for another."""
    if not ManualBatch.objects.filter(id=batch.id, state=PREVIEW).delete()[0]:
        raise Conflict("sensing.not_preview", _("这批数据已经确认过"), _("已入库的可以撤回"))


@command("sensing.manual_done")
def done(_actor: Actor, batch: ManualBatch, *, before: list[object] | None, now: datetime) -> None:
    """The gateway has done what was due. before: what stood at the times of the rows, for when it is taken back."""
    if batch.state == QUEUED:
        changes: dict[str, object] = {"state": STORED, "stored_at": now, "before": before}
    else:
        changes = {"state": WITHDRAWN, "withdrawn_at": now}
    ManualBatch.objects.filter(id=batch.id, state=batch.state).update(
        **changes, due_at=None, lease_owner="", lease_until=None
    )


def _tell(actor: Actor, kind: str, batch: ManualBatch, now: datetime) -> None:
    record(actor, kind, subject=f"manual:{batch.id}", now=now, data={"batch": str(batch.id), "readings": batch.good})
