"""My work in the navigation, and the words of its journal lines."""

from datetime import datetime

from anlan.base.journal.references import KIND_WORDS
from anlan.kernel.actor import Actor
from anlan.ui.navigation import NAVIGATION, Count, NavItem

from .queries import my_tasks
from .rules import OWED


def _owed(actor: Actor, now: datetime) -> Count | None:
    owed = my_tasks(actor).filter(state__in=[state.value for state in OWED])
    number = owed.count()
    return Count(number, owed.filter(deadline__lt=now).exists()) if number else None


NAVIGATION.add("my-work", NavItem("我的任务", "my-work", "task", "now", 40, "tasks.do", tab=3, count=_owed))
for _kind, _words in {
    "tasks.assigned": "派出任务",
    "tasks.accepted": "接下任务",
    "tasks.evidence_added": "交来凭证",
    "tasks.submitted": "任务已办，待核验",
    "tasks.verified": "任务核验办结",
    "tasks.returned": "任务退回重办",
    "tasks.cancelled": "任务撤销",
    "tasks.step_due": "任务催办",
}.items():
    KIND_WORDS.add(_kind, _words)
