"""Whatever comes in whatever order, an alarm goes along legal edges only, and a refused act changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.base.journal.models import Entry
from anlan.kernel.errors import Refused
from anlan.loop.alarms import commands
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.rules import RuleFacts, State
from tests.cast import NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db, pytest.mark.both]
RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)
NEW = None
LEGAL: dict[State | None, set[State | None]] = {
    NEW: {NEW, State.ACTIVE},
    State.ACTIVE: {State.ACTIVE, State.EASED, State.CLEARED},
    State.EASED: {State.EASED, State.ACTIVE, State.CLEARED},
    State.CLEARED: {State.CLEARED},
}
WRITTEN: dict[tuple[State | None, State | None], set[str]] = {
    (NEW, State.ACTIVE): {"alarms.raised"},
    (State.ACTIVE, State.EASED): {"alarms.eased"},
    (State.EASED, State.ACTIVE): {"alarms.resumed", "alarms.level_raised"},
    (State.ACTIVE, State.CLEARED): {"alarms.cleared"},
    (State.EASED, State.CLEARED): {"alarms.cleared"},
}
ACTS = ("raise", "step", "ease", "acknowledge", "clear", "clear_early", "close")

# Where the rarer edges begin: most orders of acts would not come there.
BEGUN: list[list[tuple[str, int]]] = [
    [],
    [("raise", 2), ("acknowledge", 2)],
    [("raise", 3), ("ease", 3)],
    [("raise", 1), ("clear_early", 1)],
]


class Story:
    """One place and the alarms that its rain makes, one after the other."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.now = cast, NOW

    def alarm(self) -> Alarm | None:
        """The newest alarm."""
        return Alarm.objects.order_by("raised_at", "id").last()

    def do(self, act: str, level: int) -> None:
        """One act; raises Refused where the machine has no such edge."""
        self.now += timedelta(minutes=5)
        now, officer, alarm = self.now, self.cast.actor("zhiban"), self.alarm()
        if act == "raise":
            commands.raise_alarm(SYSTEM, rule=RAIN, place=self.cast.places["WX1"], level=level, true_at=now,
                                 known_at=now, evidence={}, now=now)  # fmt: skip
        elif alarm is not None:
            acts: dict[str, Callable[[], object]] = {
                "step": lambda: commands.step_level(SYSTEM, alarm, level=level, true_at=now, evidence={}, now=now),
                "ease": lambda: commands.ease(SYSTEM, alarm, true_at=now, now=now),
                "acknowledge": lambda: commands.acknowledge(officer, alarm, now=now),
                "clear": lambda: commands.clear(officer, alarm, now=now),
                "clear_early": lambda: commands.clear(officer, alarm, reason="误报", now=now),
                "close": lambda: commands.close_incident(officer, Incident.objects.latest("id"), note="雨停", now=now),
            }
            acts[act]()


def rows() -> list[Any]:
    """Every column of every alarm and incident."""
    found: list[Any] = [*Alarm.objects.order_by("id").values(), *Incident.objects.order_by("id").values()]
    return found


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begun=st.sampled_from(BEGUN), acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 4)), max_size=14))
def test_an_alarm_goes_along_legal_edges_only(
    cast: Cast, begun: list[tuple[str, int]], acts: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        story = Story(cast)
        for act, level in [*begun, *acts]:
            before, all_before, lines = story.alarm(), rows(), Entry.objects.count()
            old = before.state if before else NEW
            try:
                with transaction.atomic():
                    story.do(act, level)
            except Refused:
                assert (rows(), Entry.objects.count()) == (all_before, lines)
                continue
            after = Alarm.objects.get(id=before.id) if before else story.alarm()
            new = after.state if after else NEW
            assert new in LEGAL[old], (act, old, new)
            kinds = set(Entry.objects.order_by("-id").values_list("kind", flat=True)[: Entry.objects.count() - lines])
            assert (old, new) not in WRITTEN or WRITTEN[old, new] & kinds
            if before is not None and after is not None:
                check(before, after, act)
            assert Alarm.objects.open().count() <= 1
        transaction.set_rollback(True)


def check(before: Alarm, after: Alarm, act: str) -> None:
    """What no act may do to an alarm."""
    assert (after.open_key is None) == (after.state is State.CLEARED)
    assert after.peak_level >= after.level
    assert after.raised_at == before.raised_at
    if before.state is State.CLEARED:
        assert (after.level, after.cleared_at, after.eased_at) == (before.level, before.cleared_at, before.eased_at)
    elif after.level > before.level:
        assert after.acknowledged_at is None, "a higher level must be seen anew"
    elif after.level < before.level:
        assert not RAIN.needs_signature(before.level), "a signed level fell by itself"
    if after.state is State.CLEARED and before.state is not State.CLEARED and RAIN.needs_signature(before.level):
        assert act in ("clear", "clear_early", "close"), "nobody signed"
