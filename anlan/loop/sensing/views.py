"""Devices on screen: those admitted, the silent ones first, and the stations that call without being admitted."""

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.queries import area_names, full_name, search_places, visible_areas, visible_places
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import Column, Filter, Table

from .models import Device, Quarantine
from .queries import device_states, visible_quarantine
from .queries_devices import contacts, troubles, waiting_quarantine
from .words import clock_wrong, offset_word


def _devices(request: ActorRequest) -> Table[Device]:
    actor = request.actor
    states = device_states(actor, request.now)
    silent = [number for number, state in states.items() if not state.known]
    names = area_names()
    towns = visible_areas(actor).filter(level="town").order_by("code").values_list("code", "name")
    protocols = Device.objects.visible_to(actor).order_by().values_list("protocol", flat=True).distinct()

    touch = contacts()
    wrong = [number for number, row in touch.items() if clock_wrong(row)]
    unused = Device.objects.visible_to(actor).filter(disabled_at__isnull=False).values_list("id", flat=True)

    def state_word(one: Device) -> str:
        if one.disabled_at is not None:
            return _("停用")
        return _("有数据") if states[one.id].known else _("静默")

    def search(queryset: QuerySet[Device], text: str) -> QuerySet[Device]:
        places = search_places(visible_places(actor), text).values("id")
        return queryset.filter(place__in=places) | queryset.filter(address__contains=text.upper())

    def by_state(queryset: QuerySet[Device], state: str) -> QuerySet[Device]:
        if state == "clock":
            return queryset.filter(pk__in=wrong)
        if state == "unused":
            return queryset.filter(disabled_at__isnull=False)
        used = queryset.filter(disabled_at__isnull=True)
        return used.filter(pk__in=silent) if state == "silent" else used.exclude(pk__in=silent)

    first = Case(
        When(pk__in=silent, then=Value(0)),
        When(pk__in=unused, then=Value(2)),
        default=Value(1),
        output_field=IntegerField(),
    ).asc()
    return Table(
        columns=[
            Column("place", _("站点"), lambda d: d.place.name, sort="place__name", css="nowrap"),
            Column("state", _("状态"), state_word, template="sensing/cell_state.html", css="nowrap"),
            Column("heard", _("最近一次数据"), lambda d: states[d.id].at if d.id in states else None,
                   template="sensing/cell_heard.html", css="nowrap"),
            Column("clock", _("时钟偏差"), lambda d: offset_word(touch.get(d.id)), template="sensing/cell_clock.html",
                   css="nowrap"),
            Column("protocol", _("规约"), lambda d: d.protocol.upper(), sort="protocol", css="nowrap"),
            Column("address", _("站地址"), lambda d: d.address, sort="address", css="nowrap"),
            Column("town", _("乡镇村"), lambda d: full_name(d.place.area_code, names), sort="place__area_code"),
            Column("admitted", _("登记时间"), lambda d: d.admitted_at, sort="admitted_at",
                   template="sensing/cell_time.html", css="nowrap"),
        ],
        filters=[
            Filter("state", _("状态"), by_state, [
                ("silent", _("静默")), ("heard", _("有数据")), ("clock", _("时钟不对")), ("unused", _("停用"))
            ]),
            Filter("q", _("搜索"), search, kind="text", placeholder=_("站名、站地址、拼音首字母")),
            Filter("protocol", _("规约"), lambda q, v: q.filter(protocol=v), [(p, p.upper()) for p in protocols]),
            Filter("town", _("乡镇"), lambda q, v: q.filter(place__area_code__startswith=v),
                   [row for row in towns if actor.sees_area(row[0])]),
        ],
        order=(first, "address"),
        url=lambda d: reverse("device", args=[d.id]),
        empty=_("没有符合条件的设备"),
        file_name=_("设备"),
    )  # fmt: skip


@page("sensing.read")
def device_list(request: ActorRequest) -> HttpResponse:
    """Admitted devices the actor sees, the silent first. Answers 422 for a parameter it does not know."""
    found = Device.objects.visible_to(request.actor).select_related("place")
    return _devices(request).answer(request, found, "sensing/devices.html", lambda _page: _standing(request))


def _standing(request: ActorRequest) -> dict[str, object]:
    """The figures above the list."""
    states = device_states(request.actor, request.now).values()
    return {
        "total": len(states),
        "silent": sum(1 for state in states if not state.known),
        "unknown": waiting_quarantine(request.actor).count(),
    }


REASONS = {"unknown": "未登记", "password": "口令不符"}


def _unknown() -> Table[Quarantine]:
    return Table(
        columns=[
            Column("address", _("站地址"), lambda q: q.address, sort="address", css="nowrap"),
            Column("protocol", _("规约"), lambda q: q.protocol.upper(), sort="protocol", css="nowrap"),
            Column("reason", _("为什么隔离"),
                   lambda q: _("不予登记") if q.ignored_at else _(REASONS.get(q.reason, q.reason)), sort="reason",
                   template="sensing/cell_reason.html", css="nowrap"),
            Column("first", _("第一次"), lambda q: q.first_seen, sort="first_seen", template="sensing/cell_time.html",
                   css="nowrap"),
            Column("last", _("最近一次"), lambda q: q.last_seen, sort="last_seen", template="sensing/cell_heard.html",
                   css="nowrap"),
            Column("count", _("报文数"), lambda q: q.count, sort="count", css="r"),
            Column("peer", _("来自"), lambda q: q.peer, sort="peer", css="nowrap"),
            Column("frame", _("最后一帧（十六进制）"), lambda q: q.last_frame, template="sensing/cell_frame.html"),
        ],
        filters=[
            Filter("ignored", _("处理"), lambda q, v: q.filter(ignored_at__isnull=v == "no"),
                   [("no", _("待处理")), ("yes", _("不予登记"))]),
            Filter("reason", _("为什么隔离"), lambda q, v: q.filter(reason=v),
                   [(key, _(words)) for key, words in REASONS.items()]),
            Filter("q", _("站地址"), lambda q, v: q.filter(address__contains=v.upper()), kind="text"),
        ],
        order=("-last_seen",),
        url=lambda q: reverse("device-unknown", args=[q.id]),
        empty=_("没有未登记的站来报"),
        file_name=_("未登记站"),
    )  # fmt: skip


@page("sensing.admit")
def unknown_list(request: ActorRequest) -> HttpResponse:
    """Stations that call and are not admitted: kept raw, never judged. Answers 422 for an unknown parameter."""
    found = visible_quarantine(request.actor)
    return _unknown().answer(
        request, found, "sensing/unknown.html",
        lambda _page: {"unknown": True, "waiting": waiting_quarantine(request.actor).count(),
                       "troubles": troubles(request.actor, request.now)},
    )  # fmt: skip
