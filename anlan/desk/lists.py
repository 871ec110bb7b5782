"""The desk's two tables: incidents and campaigns. Declarations only; a view narrows to what the actor sees first."""

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.queries import area_names, full_name, visible_areas
from anlan.kernel.actor import Actor
from anlan.kernel.modes import LEVEL_WORDS
from anlan.loop.alarms.models import Incident
from anlan.loop.alarms.packs import hazard_title
from anlan.loop.calls.models import Campaign
from anlan.loop.calls.rules import WOKEN, Kind
from anlan.ui.language import say
from anlan.ui.tables import Column, Filter, Table

LEVELS = [(str(level), LEVEL_WORDS[level]) for level in (4, 3, 2, 1)]


def _towns(actor: Actor) -> list[tuple[str, str]]:
    found = visible_areas(actor).filter(level="town").order_by("code").values_list("code", "name")
    return [(code, name) for code, name in found if actor.sees_area(code)]


def incident_table(actor: Actor) -> Table[Incident]:
    """Incidents, the open ones first."""
    names = area_names()
    return Table(
        columns=[
            Column("title", _("事件"), lambda i: i.title, sort="title", css="nowrap"),
            Column("level", _("级别"), lambda i: say(LEVEL_WORDS[i.level or i.peak_level]), sort="peak_level",
                   template="desk/cell_level.html"),
            Column("people", _("受威胁人数"), lambda i: i.people_at_risk, sort="people_at_risk", css="r"),
            Column("where", _("乡镇"), lambda i: full_name(i.area_code, names), sort="area_code"),
            Column("opened", _("开始"), lambda i: i.opened_at, sort="opened_at", template="desk/cell_time.html"),
            Column("closed", _("关闭时间"), lambda i: i.closed_at, sort="closed_at", template="desk/cell_time.html"),
            Column("number", _("编号"), lambda i: i.number, sort="number", css="nowrap"),
        ],
        filters=[
            Filter("q", _("搜索"), lambda q, v: q.filter(Q(title__contains=v) | Q(number__contains=v.upper())),
                   kind="text", placeholder=_("名称、编号")),
            Filter("state", _("状态"), lambda q, v: q.filter(closed_at__isnull=v == "open"),
                   [("open", _("进行中")), ("closed", _("已关闭"))]),
            Filter("level", _("最高级别"), lambda q, v: q.filter(peak_level=int(v)), LEVELS),
            Filter("town", _("乡镇"), lambda q, v: q.filter(area_code__startswith=v), _towns(actor)),
        ],
        order=(F("closed_at").desc(nulls_first=True), "-level", "-people_at_risk", "-opened_at"),
        url=lambda i: reverse("incident", args=[i.number]),
        empty=_("没有符合条件的事件"),
        file_name=_("警情事件"),
    )  # fmt: skip


def _woken(campaign: Campaign) -> str:
    return f"{campaign.woken_n} / {campaign.target_n}"  # type: ignore[attr-defined]


def _hazard(campaign: Campaign) -> str:
    return say(hazard_title(campaign.hazard)) if campaign.hazard else _("任务催办")


def campaign_table(actor: Actor) -> Table[Campaign]:
    """Campaigns and reminders, the running ones first."""
    about = {"alarm": ~Q(hazard=""), "task": Q(hazard="")}
    words = [("alarm", _("警情叫应")), ("task", _("任务催办"))]
    return Table(
        columns=[
            Column("title", _("叫应"), lambda c: c.title or c.number, sort="title", css="nowrap"),
            Column("level", _("级别"), lambda c: say(LEVEL_WORDS[c.level]), sort="level",
                   template="desk/cell_level.html"),
            Column("woken", _("已叫醒"), _woken, css="r nowrap"),
            Column("hazard", _("起因"), _hazard, sort="hazard"),
            Column("opened", _("开始"), lambda c: c.opened_at, sort="opened_at", template="desk/cell_time.html"),
            Column("closed", _("结束"), lambda c: c.closed_at, sort="closed_at", template="desk/cell_time.html"),
            Column("number", _("编号"), lambda c: c.number, sort="number", css="nowrap"),
        ],
        filters=[
            Filter("q", _("搜索"), lambda q, v: q.filter(Q(title__contains=v) | Q(number__contains=v.upper())),
                   kind="text", placeholder=_("名称、编号")),
            Filter("state", _("状态"), lambda q, v: q.filter(closed_at__isnull=v == "open"),
                   [("open", _("进行中")), ("closed", _("已结束"))]),
            Filter("kind", _("种类"), lambda q, v: q.filter(about[v]), words),
            Filter("level", _("级别"), lambda q, v: q.filter(level=int(v)), LEVELS),
        ],
        order=(F("closed_at").desc(nulls_first=True), "-level", "-opened_at"),
        url=lambda c: reverse("call-board", args=[c.number]),
        empty=_("没有符合条件的叫应"),
        file_name=_("叫应"),
    )  # fmt: skip


def with_counts(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """With woken_n of target_n persons; deputies and superiors stand behind a target and are not counted."""
    counted = Q(calls__kind__in=[Kind.TARGET.value, Kind.REMINDER.value])
    woken = Q(calls__stage__in=[stage.value for stage in WOKEN])
    return campaigns.annotate(
        target_n=Count("calls", filter=counted),
        woken_n=Count("calls", filter=counted & woken),
    )
