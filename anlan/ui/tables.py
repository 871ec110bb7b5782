"""Declarative tables over a queryset: columns, filters, sorting and page in the address; the same rows to Excel.

A parameter the table does not know, or a value it cannot use, is refused with the list of what it takes.
Never: a queryset that has not passed `visible_to`, which is the caller's part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from math import ceil
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font

from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid

from .requests import ActorRequest

M = TypeVar("M", bound=Model)
CONTROL = {"sort", "page", "format"}
EXPORT_LIMIT = 20_000


@dataclass(frozen=True)
class Column(Generic[M]):
    """One column. value: what a row shows (and exports). sort: the field it orders by, "" = not sortable.

    template: a fragment that draws the cell (gets `row`, `value`, `now`); css: r (right), c (centre), nowrap.
    """

    key: str
    title: str
    value: Callable[[M], object]
    sort: str = ""
    template: str = ""
    css: str = ""
    export: bool = True


@dataclass(frozen=True)
class Filter(Generic[M]):
    """One field of the filter bar. kind: "choice" or "segments" of the options, else "text" or "date" to type.

    options: (value, words); a choice of none is not drawn and takes no value. apply narrows the queryset; it may raise
    Invalid.
    """

    key: str
    title: str
    apply: Callable[[QuerySet[M], str], QuerySet[M]]
    options: Sequence[tuple[str, str]] = ()
    kind: str = "choice"
    placeholder: str = ""

    def check(self, value: str) -> str:
        if self.kind in ("choice", "segments") and value not in {option for option, _words in self.options}:
            known = "、".join(option for option, _words in self.options)
            raise Invalid(self.key, _("“%(value)s”不能用，可用：%(known)s") % {"value": value, "known": known})
        return value


@dataclass(frozen=True)
class Cell:
    """One value as it is drawn."""

    value: object
    css: str
    template: str


@dataclass(frozen=True)
class Row(Generic[M]):
    """One record: its cells and the page it leads to."""

    record: M
    cells: list[Cell]
    url: str


@dataclass
class Page(Generic[M]):
    """What ui/table.html draws."""

    rows: list[Row[M]]
    columns: Sequence[Column[M]]
    filters: Sequence[Filter[M]]
    values: dict[str, str]
    sort: str
    number: int
    pages: int
    total: int
    first: int
    last: int
    empty: str
    can_export: bool


@dataclass(frozen=True)
class Table(Generic[M]):
    """A table's declaration, made per request because filter options depend on the actor.

    order: default ordering, always ended by the primary key so that pages never overlap.
    """

    columns: Sequence[Column[M]]
    filters: Sequence[Filter[M]] = ()
    order: Sequence[str | OrderBy] = ("pk",)
    url: Callable[[M], str] | None = None
    empty: str = ""
    size: int = 50
    file_name: str = ""

    def _values(self, parameters: QueryDict) -> dict[str, str]:
        known = {one.key: one for one in self.filters}
        for key in parameters:
            if key not in known and key not in CONTROL:
                names = "、".join(sorted({*known, *CONTROL}))
                raise Invalid(
                    key, _("这个列表没有参数“%(key)s”") % {"key": key}, _("可用：%(names)s") % {"names": names}
                )
        given = {key: str(parameters.get(key, "")).strip() for key in known}
        return {key: known[key].check(text) for key, text in given.items() if text}

    def _ordered(self, queryset: QuerySet[M], sort: str) -> QuerySet[M]:
        if not sort:
            return queryset.order_by(*self.order, "pk")
        name = sort.removeprefix("-")
        by_key = {column.key: column.sort for column in self.columns if column.sort}
        if name not in by_key:
            raise Invalid("sort", _("不能按“%(name)s”排序") % {"name": name}, "、".join(by_key))
        return queryset.order_by(("-" if sort.startswith("-") else "") + by_key[name], "pk")

    def _narrow(self, queryset: QuerySet[M], values: dict[str, str]) -> QuerySet[M]:
        for one in self.filters:
            if one.key in values:
                queryset = one.apply(queryset, values[one.key])
        return queryset

    def page(self, request: HttpRequest, queryset: QuerySet[M]) -> Page[M]:
        """The asked page of the narrowed, ordered rows. Raises Invalid for a wrong parameter."""
        values = self._values(request.GET)
        sort = request.GET.get("sort", "")
        ordered = self._ordered(self._narrow(queryset, values), sort)
        total = ordered.count()
        pages = max(ceil(total / self.size), 1)
        number = whole("page", request.GET.get("page", "1"), 1, 10_000_000)
        number = min(number, pages)  # a link to a page that has since emptied shows the last one
        start = (number - 1) * self.size
        rows = [self._row(record) for record in ordered[start : start + self.size]]
        return Page(
            rows, self.columns, self.filters, values, sort, number, pages, total,
            start + 1 if rows else 0, start + len(rows), self.empty, bool(self.file_name),
        )  # fmt: skip

    def _row(self, record: M) -> Row[M]:
        cells = [Cell(column.value(record), column.css, column.template) for column in self.columns]
        return Row(record, cells, self.url(record) if self.url else "")

    def _wants_export(self, request: HttpRequest) -> bool:
        """Whether ?format=xlsx was asked. Raises Invalid for another format."""
        wanted = request.GET.get("format", "")
        if wanted not in ("", "xlsx"):
            raise Invalid("format", _("没有“%(name)s”格式") % {"name": wanted}, "xlsx")
        return wanted == "xlsx"

    def answer(
        self,
        request: ActorRequest,
        queryset: QuerySet[M],
        template: str,
        more: Callable[[Page[M]], Mapping[str, object]] = lambda page: {},
    ) -> HttpResponse:
        """The asked page, or the rows as Excel where the address asks for that and the actor may export.

        more: what else the template gets, worked out only when the page is drawn. Raises Invalid, NotPermitted.
        """
        if self._wants_export(request):
            request.actor.require("exports.make")
            return self._export(request, queryset)
        page = self.page(request, queryset)
        context = {"page": page, "may_export": request.actor.may("exports.make"), **more(page)}
        return render(request, template, context)

    def _export(self, request: HttpRequest, queryset: QuerySet[M]) -> HttpResponse:
        """The narrowed, ordered rows as an Excel file of at most EXPORT_LIMIT rows; never silently fewer."""
        ordered = self._ordered(self._narrow(queryset, self._values(request.GET)), request.GET.get("sort", ""))
        if ordered.count() > EXPORT_LIMIT:
            raise Invalid("format", _("超过 %(n)d 行，请先筛选再导出") % {"n": EXPORT_LIMIT})
        columns = [column for column in self.columns if column.export]
        book = Workbook(write_only=False)
        sheet = book.active
        assert sheet is not None
        sheet.append([column.title for column in columns])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for record in ordered.iterator(chunk_size=2000):
            sheet.append([safe_cell(column.value(record)) for column in columns])
        sheet.freeze_panes = "A2"
        buffer = BytesIO()
        book.save(buffer)
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        response = HttpResponse(buffer.getvalue(), content_type=kind)
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(self.file_name)}.xlsx"
        return response


def safe_cell(value: object) -> Any:
    """A value for a spreadsheet: Beijing time without zone; text never starts a formula."""
    if isinstance(value, datetime):
        return beijing(value).replace(tzinfo=None)
    if value is None or isinstance(value, bool | int | float):
        return value
    text = "".join(sign for sign in str(value) if sign >= " " or sign in "\n\t")
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number from the address. Raises Invalid outside low…high."""
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise Invalid(name, _("应为 %(low)d 到 %(high)d 的整数") % {"low": low, "high": high})
    return int(text)


def identifier(name: str, text: str) -> UUID:
    """An id from the address. Raises Invalid when it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(name, _("“%(value)s”不是编号") % {"value": text}) from None
