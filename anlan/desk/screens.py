"""The desk in the navigation, and the words of the journal lines that its timelines show."""

from datetime import datetime

from anlan.base.journal.references import KIND_WORDS
from anlan.kernel.actor import Actor
from anlan.loop.alarms.queries import visible_incidents
from anlan.loop.calls.models import Call
from anlan.loop.calls.rules import OPEN, Kind
from anlan.ui.navigation import NAVIGATION, Count, NavItem

from . import map_screens as map_screens  # the map registers itself
from . import references as references
from .queue import queue


def _waiting(actor: Actor, now: datetime) -> Count | None:
    rows = queue(actor, now)
    return Count(len(rows), any(row.css == "late" for row in rows)) if rows else None


def _incidents(actor: Actor, now: datetime) -> Count | None:
    number = visible_incidents(actor).open().count()
    return Count(number) if number else None


def _unreached(actor: Actor, now: datetime) -> Count | None:
    stages = [stage.value for stage in OPEN]
    calls = Call.objects.visible_to(actor).filter(stage__in=stages, kind=Kind.TARGET.value, campaign__closed_at=None)
    number = calls.count()
    return Count(number, hot=True) if number else None


NAVIGATION.add("duty", NavItem("值班台", "duty", "desk", "now", 10, "alarms.acknowledge", tab=1, count=_waiting))
NAVIGATION.add(
    "incidents", NavItem("警情事件", "incident-list", "bell", "now", 30, "alarms.read", tab=2, count=_incidents)
)
NAVIGATION.add("calls", NavItem("叫应", "call-list", "phone", "handle", 10, "calls.read", tab=4, count=_unreached))

WORDS = {
    "alarms.raised": "信号：达到指标",
    "alarms.level_raised": "级别升高",
    "alarms.level_lowered": "级别降低",
    "alarms.resumed": "雨势再起",
    "alarms.eased": "已缓和，待签字",
    "alarms.cleared": "警情解除",
    "alarms.acknowledged": "研判：值班员确认",
    "alarms.annotated": "迟到数据改变判断",
    "incidents.opened": "开立事件",
    "incidents.closed": "签字关闭事件",
    "calls.opened": "叫应开始",
    "calls.queued": "列入叫应",
    "calls.dialled": "拨出",
    "calls.attempt_over": "一次呼叫结束",
    "calls.acked": "听完并按键，已叫醒",
    "calls.widened": "呼副职和上级",
    "calls.door": "派人上门",
    "calls.door_overdue": "上门超时",
    "calls.reached": "已当面叫醒",
    "calls.unreachable": "无法叫醒",
    "calls.superseded": "级别升高，重新叫应",
    "calls.cancelled": "停止呼叫",
    "calls.closed": "叫应结束",
    "calls.escalated": "值班员立即升级",
    "calls.redialled": "值班员再呼",
}
for _kind, _words in WORDS.items():
    KIND_WORDS.add(_kind, _words)
