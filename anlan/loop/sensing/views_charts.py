"""What a chart shows as a file, with quality and kind of each row; and the curves of one device."""

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font

from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import EXPORT_LIMIT, safe_cell, whole

from .charts import Asked, Line, lines, metric_words, rows, unit_of, visible_series
from .curve_card import Curve
from .models import Device
from .ranges import first_at

TAKES = {"place", "metric", "series", "from", "to", "hours", "step", "format"}
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("exports.make")
def export(request: ActorRequest) -> HttpResponse:
    """The rows of a chart (the parameters of GET /readings/chart) as `format` csv or xlsx. Answers 422 for others."""
    request.actor.require("sensing.read")
    for key in request.GET:
        if key not in TAKES:
            raise Invalid(key, _("没有参数“%(key)s”") % {"key": key}, "、".join(sorted(TAKES)))
    kind = request.GET.get("format", "")
    if kind not in ("csv", "xlsx"):
        raise Invalid("format", _("没有“%(name)s”格式") % {"name": kind}, "csv、xlsx")
    numbers = [whole("series", text, 1, 2**31) for text in request.GET.getlist("series")]
    asked = _asked(request)
    found = lines(request.actor, request.GET.getlist("place"), request.GET.get("metric", "rain"), numbers, asked)
    if sum(len(line.points) for line in found) > EXPORT_LIMIT:
        raise Invalid("from", _("超过 %(n)d 行，请先筛选再导出") % {"n": EXPORT_LIMIT})
    head = [_("对象"), _("要素"), _("单位"), _("时间（北京，时段末）"), _("值"), _("最小"), _("最大"), _("条数"),
            _("质量"), _("逐条或汇总")]  # fmt: skip
    answer = _csv(head, found) if kind == "csv" else _excel(head, found)
    name = f"{found[0].name} {beijing(asked.start):%Y%m%d%H%M}-{beijing(asked.end):%Y%m%d%H%M}.{kind}"
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


def _asked(request: ActorRequest) -> Asked:
    end = _moment("to", request.GET.get("to", "")) or request.now
    try:
        hours = float(request.GET.get("hours", "24"))
        start = _moment("from", request.GET.get("from", "")) or end - timedelta(hours=hours)
    except (ValueError, OverflowError):
        raise Invalid("hours", _("“%(value)s”不能用") % {"value": request.GET["hours"]}) from None
    return Asked(start, end, request.GET.get("step", ""))


def _moment(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(name, _("“%(value)s”不能用") % {"value": text}) from None
    if found.tzinfo is None:
        raise Invalid(name, _("“%(value)s”不能用") % {"value": text}, "2026-07-21T02:47:00+08:00")
    return found


def _rows(found: list[Line]) -> Iterator[list[object]]:
    for line in found:
        for at, value, low, high, count, quality in rows(line):
            shown = [None if one is None else round(one, 6) for one in (value, low, high)]
            yield [line.place.name, metric_words(line.metric), line.unit, at, *shown, count, quality, line.step_words]


def _csv(head: list[str], found: list[Line]) -> HttpResponse:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([safe_cell(value) for value in row] for row in _rows(found))
    return HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")  # Excel wants the mark


def _excel(head: list[str], found: list[Line]) -> HttpResponse:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(head)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in _rows(found):
        sheet.append([safe_cell(value) for value in row])
    sheet.freeze_panes = "A2"
    out = BytesIO()
    book.save(out)
    return HttpResponse(out.getvalue(), content_type=EXCEL)


@page("sensing.read")
def device_curves(request: ActorRequest, device_id: UUID) -> HttpResponse:
    """The curve of one element of a device; `series`: which, the first where it is not said."""
    device = Device.objects.visible_to(request.actor).filter(id=device_id).select_related("place").first()
    if device is None:
        raise NotFound("sensing.no_device", _("没有这台设备，或不在您的辖区内"))
    found = list(visible_series(request.actor).filter(device=device).order_by("id"))
    wanted = request.GET.get("series", str(found[0].id) if found else "")
    chosen = next((one for one in found if str(one.id) == wanted), None)
    if found and chosen is None:
        raise Invalid("series", _("“%(value)s”不能用") % {"value": wanted}, "、".join(str(one.id) for one in found))
    card = reverse("device-curves", args=[device_id])
    curve = None
    if chosen is not None:
        curve = Curve(
            title=_("曲线"), metric=chosen.metric, unit=unit_of(chosen.metric), series=[chosen.id],
            first_ms=first_at([chosen.id]), now=request.now,
            tabs=[(metric_words(one.metric), f"{card}?series={one.id}", "", one.id == chosen.id) for one in found],
            may_export=request.actor.may("exports.make"),
        )  # fmt: skip
    return render(request, "sensing/curve_card.html", {"curve": curve})
