"""Readings that people write down, on screen: upload, look at what would be stored, confirm, take back."""

from collections import Counter
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.people.models import Account
from anlan.base.places.models import Place
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.acts import done
from anlan.ui.requests import ActorRequest, page

from . import manual
from .models import Device, ManualBatch
from .queries import moment
from .sheet import BYTES_MAX, read_sheet, write_sheet

SHOWN = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSS = {manual.STORED: "done", manual.QUEUED: "doing", manual.WITHDRAWING: "doing", manual.PREVIEW: "soon"}


def _who(batches: list[ManualBatch]) -> dict[int | None, str]:
    found = Account.objects.filter(pk__in={one.account_id for one in batches if one.account_id})
    return {one.pk: one.title or one.username for one in found}


@page("sensing.enter", "GET", "HEAD", "POST")
def batches(request: ActorRequest) -> HttpResponse:
    """The sheets, the latest first, and the form for another."""
    if request.method == "POST":
        given = request.FILES.get("file")
        if given is None or given.size is None:
            raise Invalid("file", _("请选一个文件"))
        if given.size > BYTES_MAX:
            raise Invalid("file", _("文件太大"), _("至多 %(mb)s MB") % {"mb": BYTES_MAX // 1_000_000})
        lines = read_sheet(given.name or "", given.read())
        made = manual.enter(request.actor, file_name=given.name or "", lines=lines, now=request.now)
        return done(request, reverse("manual-batch", args=[made.id]))
    found = list(manual.visible_batches(request.actor).defer("lines", "rows", "before").order_by("-entered_at")[:100])
    who = _who(found)
    rows = [
        (one, _(manual.STATES[one.state]), CSS.get(one.state, ""), who.get(one.account_id, one.by)) for one in found
    ]
    waiting = any(one.due_at is not None for one in found)
    return render(request, "sensing/manual.html", {"rows": rows, "waiting": waiting})


@page("sensing.enter")
def batch_page(request: ActorRequest, batch_id: UUID) -> HttpResponse:
    """One sheet: what would be, or was, stored; what is wrong; the acts that are open."""
    found = manual.batch(request.actor, batch_id)
    devices = {
        str(one.id): one for one in Device.objects.filter(id__in=_ids(found)).select_related("place")
    }  # fmt: skip
    codes = {str(row[0]).split(":", 1)[1] for row in found.rows if str(row[0]).startswith(manual.PROTOCOL)}
    places = dict(Place.objects.filter(code__in=codes, mode=found.mode).values_list("code", "name"))
    shown = [_shown(row, devices, places) for row in found.rows[:SHOWN]]
    late = sum(1 for row in found.rows if (request.now - moment(row[2])).total_seconds() > manual.JUDGED_S)
    context = {
        "batch": found, "word": _(manual.STATES[found.state]), "css": CSS.get(found.state, ""),
        "who": _who([found]).get(found.account_id, found.by), "rows": shown, "late": late,
        "more": max(0, len(found.rows) - SHOWN), "bad": [line for line in found.lines if line[4]][:SHOWN],
        "waiting": found.due_at is not None, "metrics": sorted(Counter(row[1] for row in found.rows).items()),
    }  # fmt: skip
    return render(request, "sensing/manual_batch.html", context)


def _ids(found: ManualBatch) -> set[str]:
    return {str(row[0]) for row in found.rows if not str(row[0]).startswith(manual.PROTOCOL)}


def _shown(row: list[object], devices: dict[str, Device], places: dict[str, str]) -> dict[str, object]:
    device, code = devices.get(str(row[0])), str(row[0]).split(":", 1)[-1]
    place = device.place.name if device is not None else places.get(code, code)
    return {"place": place, "address": device.address if device is not None else "", "metric": row[1],
            "at": moment(int(str(row[2]))), "value": row[3]}  # fmt: skip


@page("sensing.enter", "POST")
def act(request: ActorRequest, batch_id: UUID, act: str) -> HttpResponse:
    """Confirm, take back, or forget a sheet."""
    found = manual.batch(request.actor, batch_id)
    here = reverse("manual-batch", args=[batch_id])
    if act == "confirm":
        manual.confirm(request.actor, found, now=request.now)
        return done(request, here, _("已确认，网关正在入库"))
    if act == "withdraw":
        manual.withdraw(request.actor, found, now=request.now)
        return done(request, here, _("正在撤回"))
    if act == "discard":
        manual.discard(request.actor, found, now=request.now)
        return done(request, reverse("manual"), _("已丢弃，什么都没有入库"))
    raise NotFound("sensing.no_act", _("没有这个操作"))


@page("sensing.enter")
def faults(request: ActorRequest, batch_id: UUID) -> HttpResponse:
    """The lines that were not taken, as a sheet with what is wrong with each, to be mended and uploaded again."""
    found = manual.batch(request.actor, batch_id)
    return _file(write_sheet([line for line in found.lines if line[4]]), _("有问题的行"))


@page("sensing.enter")
def template(request: ActorRequest) -> HttpResponse:
    """An empty sheet with an example and the names of the metrics."""
    seen = Device.objects.visible_to(request.actor).in_use()
    example = seen.select_related("place").order_by("address").first()
    code = example.place.code if example is not None else "YL001"
    line = (code, "累计雨量", beijing(request.now).strftime("%Y-%m-%d %H:%M"), "12.5")
    return _file(write_sheet([line], manual.metrics(seen)), _("人工数据模板"))


def _file(data: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=XLSX)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}.xlsx"
    return answer
