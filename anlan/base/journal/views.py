"""The journal on screen: search by kind, subject, actor, time and area; the unsealed tail is shown as such."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _

from anlan.kernel.clock import BEIJING
from anlan.kernel.errors import Invalid
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import Column, Filter, Page, Table, identifier

from .models import Entry, Head
from .references import KIND_WORDS, RESOLVERS, kind_words, resolve


def _kind(queryset: QuerySet[Entry], value: str) -> QuerySet[Entry]:
    return queryset.filter(kind__startswith=value) if value.endswith(".") else queryset.filter(kind=value)


def _moment(key: str, value: str) -> datetime:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=BEIJING)
    except ValueError:
        raise Invalid(key, _("时间应像 2026-07-21T02:47（北京时间）")) from None


def _seal_state(queryset: QuerySet[Entry], value: str) -> QuerySet[Entry]:
    return queryset.filter(offset__isnull=value == "tail")


def _kind_options() -> list[tuple[str, str]]:
    slices = sorted({kind.split(".")[0] for kind in KIND_WORDS})
    whole = [(f"{name}.", _("%(name)s 全部") % {"name": name}) for name in slices]
    return whole + sorted(KIND_WORDS.items())


def _table() -> Table[Entry]:
    return Table(
        columns=[
            Column("time", _("时间"), lambda e: e.happened_at, sort="happened_at", template="journal/cell_time.html",
                   css="nowrap"),
            Column("kind", _("什么事"), lambda e: kind_words(e.kind), sort="kind", template="journal/cell_kind.html"),
            Column("subject", _("记录对象"), lambda e: e.subject, template="journal/cell_subject.html"),
            Column("actor", _("谁"), lambda e: e.actor, template="journal/cell_actor.html"),
            Column("area", _("区划"), lambda e: e.area, sort="area", template="journal/cell_area.html"),
            Column("offset", _("封存序号"), lambda e: e.offset, sort="offset", template="journal/cell_offset.html",
                   css="r nowrap"),
            Column("data", _("内容"), lambda e: e.data, template="journal/cell_data.html"),
        ],
        filters=[
            Filter("kind", _("什么事"), _kind, _kind_options()),
            Filter("subject", _("记录对象"), lambda q, v: q.filter(subject__startswith=v), kind="text",
                   placeholder="alarm:…"),
            Filter("actor", _("谁"), lambda q, v: q.filter(actor=v), kind="text", placeholder="account:1"),
            Filter("case", _("事件"), lambda q, v: q.filter(case_id=identifier("case", v)), kind="text"),
            Filter("area", _("区划代码"), lambda q, v: q.filter(area__startswith=v), kind="text", placeholder="140427"),
            Filter("from", _("从"), lambda q, v: q.filter(happened_at__gte=_moment("from", v)), kind="date"),
            Filter("to", _("到"), lambda q, v: q.filter(happened_at__lt=_moment("to", v) + timedelta(minutes=1)),
                   kind="date"),
            Filter("seal", _("封存"), _seal_state, [("sealed", _("已封存")), ("tail", _("未封存"))]),
        ],
        order=("-happened_at",),
        empty=_("没有符合条件的记录"),
        file_name=_("记录"),
    )  # fmt: skip


@page("journal.read")
def journal(request: ActorRequest) -> HttpResponse:
    """Search and export. Answers 422 for a parameter it does not know."""
    entries = Entry.objects.visible_to(request.actor)
    return _table().answer(request, entries, "journal/list.html", lambda shown: _around(request, shown))


def _around(request: ActorRequest, shown: Page[Entry]) -> dict[str, object]:
    """Words for the ids of the lines that are shown, and how far the journal is sealed."""
    wanted = {f"area:{row.record.area}" for row in shown.rows if row.record.area}
    wanted |= {row.record.actor for row in shown.rows} | {row.record.subject for row in shown.rows}
    return {
        "references": resolve(request.actor, wanted),
        "head": Head.objects.first(),
        "tail": Entry.objects.visible_to(request.actor).unsealed().count(),
        "prefixes": list(RESOLVERS),
    }
