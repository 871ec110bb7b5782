"""Devices that are not well on one page, and the card of one device's series. Filter, order and page in the address."""

from datetime import datetime
from io import BytesIO
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font

from anlan.kernel.errors import Invalid
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import safe_cell, whole

from .health import KINDS, Unwell, series_states, unwell
from .queries_devices import device

TAKES = {"kind", "q", "sort", "page", "format"}
SORTS = {"heard": "最久没有数据的在前", "-heard": "最近有数据的在前"}
SIZE = 50
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("sensing.read")
def abnormal(request: ActorRequest) -> HttpResponse:
    """Silent, suspect and quarantined devices. `kind`, `q` (name or address), `sort` heard or -heard, `format` xlsx."""
    for key in request.GET:
        if key not in TAKES:
            raise Invalid(key, _("这个列表没有参数“%(key)s”") % {"key": key}, "、".join(sorted(TAKES)))
    kind, sort = request.GET.get("kind", ""), request.GET.get("sort", "heard")
    for name, value, known in (("kind", kind, ["", *KINDS]), ("sort", sort, list(SORTS))):
        if value not in known:
            raise Invalid(name, _("“%(value)s”不能用") % {"value": value}, "、".join(filter(None, known)))
    every, words = unwell(request.actor, request.now), request.GET.get("q", "").strip()
    rows = [one for one in every if kind in ("", one.kind) and (words in one.name or words.upper() in one.address)]
    if sort == "-heard":
        rows.sort(key=lambda one: one.heard.timestamp() if one.heard else float("-inf"), reverse=True)
    if request.GET.get("format", "") not in ("", "xlsx"):
        raise Invalid("format", _("没有“%(name)s”格式") % {"name": request.GET["format"]}, "xlsx")
    if request.GET.get("format"):
        request.actor.require("exports.make")
        return _excel(rows)
    pages = max(-(-len(rows) // SIZE), 1)
    number = min(whole("page", request.GET.get("page", "1"), 1, 10_000_000), pages)
    context = {
        "rows": rows[(number - 1) * SIZE : number * SIZE], "total": len(rows), "number": number, "pages": pages,
        "kind": kind, "q": words, "sort": sort, "all": len(every),
        "kinds": [(key, say(name), sum(1 for one in every if one.kind == key)) for key, name in KINDS.items()],
        "sorts": [(key, say(name)) for key, name in SORTS.items()],
        "may_export": request.actor.may("exports.make"),
    }  # fmt: skip
    return render(request, "sensing/abnormal.html", context)


def _excel(rows: list[Unwell]) -> HttpResponse:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([_("异常"), _("站点"), _("规约"), _("站地址"), _("乡镇村"), _("最近一次数据"), _("原因")])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for one in rows:
        values: list[str | datetime | None] = [one.words, one.name, one.protocol.upper(), one.address, one.town]
        sheet.append([safe_cell(value) for value in (*values, one.heard, one.why)])
    out = BytesIO()
    book.save(out)
    answer = HttpResponse(out.getvalue(), content_type=EXCEL)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(_('异常设备'))}.xlsx"
    return answer


@page("sensing.read")
def device_series(request: ActorRequest, device_id: UUID) -> HttpResponse:
    """The card of a device's elements: newest values, the last day's readings, gaps and doubts."""
    found = device(request.actor, device_id)
    context = {"device": found, "rows": series_states(request.actor, found, request.now)}
    return render(request, "sensing/series_card.html", context)
