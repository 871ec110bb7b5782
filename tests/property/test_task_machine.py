"""The task machine on the database: whoever does whatever in any order, only legal edges, and a refusal has no effect.

The edges stand here a second time, by hand: a table that is changed in the code is caught.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from anlan.base.journal.models import Entry
from anlan.base.tasks import commands
from anlan.base.tasks.models import Evidence, Task
from anlan.kernel.errors import Refused
from anlan.kernel.ids import new_id
from tests.cast import NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db, pytest.mark.both]
LEGAL = {
    ("assigned", "accept"): "accepted",
    ("returned", "accept"): "accepted",
    ("assigned", "submit"): "submitted",
    ("accepted", "submit"): "submitted",
    ("returned", "submit"): "submitted",
    ("submitted", "verify"): "verified",
    ("submitted", "send_back"): "returned",
    ("assigned", "cancel"): "cancelled",
    ("accepted", "cancel"): "cancelled",
    ("submitted", "cancel"): "cancelled",
    ("returned", "cancel"): "cancelled",
}
OWED = {"assigned", "accepted", "returned"}
KINDS = {
    "accept": "tasks.accepted", "submit": "tasks.submitted", "verify": "tasks.verified",
    "send_back": "tasks.returned", "cancel": "tasks.cancelled",
}  # fmt: skip
# Who may do what with a task that is the village head's, in 石坡乡. dianshang is a stranger town, shenji the auditor.
MAY = {
    "accept": {"cunzhang", "shipo", "zhiban"},
    "submit": {"cunzhang", "shipo", "zhiban"},
    "verify": {"shipo", "zhiban"},
    "send_back": {"shipo", "zhiban"},
    "cancel": {"shipo", "zhiban"},
}
PEOPLE = ["cunzhang", "shipo", "zhiban", "dianshang", "shenji"]
PROOFS: dict[str, dict[str, Any]] = {"text": {"text": "门口有灯"}, "count": {"number": 3}}


def rows() -> list[Any]:
    found: list[Any] = [*Task.objects.order_by("id").values(), *Evidence.objects.order_by("id").values()]
    return found


class TaskMachine(RuleBasedStateMachine):
    """One task that asks for a text and a count, in a transaction that is rolled back at the end."""

    cast: Cast  # set by the test, before any example

    def __init__(self) -> None:
        super().__init__()
        cast = self.cast
        self.actors = {name: cast.actor(name) for name in PEOPLE}
        self.now = NOW
        self.frame = transaction.atomic()
        self.frame.__enter__()
        self.task_id = commands.assign(
            SYSTEM, kind="door", title="上门叫醒 安口村监测员", post=cast.posts["village:140427203204"],
            person=cast.persons["head"], area_code="140427203204", origin="door:1", required=["text", "count"],
            due_at=NOW + timedelta(minutes=15), now=NOW,
        ).id  # fmt: skip
        self.copies: list[Task] = [self.task()]  # what somebody's page still shows

    @initialize(way=st.sampled_from([[], ["submit"], ["submit", "send_back"]]), proven=st.booleans())
    def begin_further_on(self, way: list[str], proven: bool) -> None:
        """Most orders of acts end early: begin where the rarer edges are."""
        for kind in PROOFS if proven or way else ():
            self.prove(kind, "cunzhang", late=False)
        for act in way:
            self.act(act, "zhiban", late=False, said=True)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.frame.__exit__(None, None, None)

    def task(self) -> Task:
        return Task.objects.get(id=self.task_id)

    def attempt(self, act: Callable[[], object]) -> bool:
        """Do it; a refusal leaves every row and the journal as they were."""
        before, lines = rows(), Entry.objects.count()
        try:
            with transaction.atomic():
                act()
        except Refused:
            assert (rows(), Entry.objects.count()) == (before, lines)
            return False
        assert Entry.objects.count() == lines + 1
        return True

    @rule(act=st.sampled_from(sorted(KINDS)), who=st.sampled_from(PEOPLE), late=st.booleans(), said=st.booleans())
    def act(self, act: str, who: str, late: bool, said: bool) -> None:
        """late: on the oldest page that is still open. said: with a reason where one is asked for."""
        old = self.task()
        copy = self.copies[0] if late else self.task()
        knows = copy.state == old.state
        reason = {"reason": "照片看不清" if said else "  "} if act in ("send_back", "cancel") else {}
        have = set(old.evidence.values_list("kind", flat=True))
        done = self.attempt(lambda: getattr(commands, act)(self.actors[who], copy, now=self.now, **reason))
        allowed = who in MAY[act] and (old.state, act) in LEGAL and (said or not reason) and knows
        assert done == (allowed and (act != "submit" or {"text", "count"} <= have)), (act, who, old.state)
        if done:
            new = self.task()
            assert new.state == LEGAL[old.state, act]
            assert Entry.objects.latest("id").kind == KINDS[act]
            assert (new.closed_at is not None) == (new.state in ("verified", "cancelled"))
            self.copies.append(new)
            del self.copies[:-3]

    @rule(kind=st.sampled_from(sorted(PROOFS)), who=st.sampled_from(PEOPLE), late=st.booleans())
    def prove(self, kind: str, who: str, late: bool) -> None:
        """late: from a page that still shows what was; the phone sends it twice."""
        old = self.task()
        copy, number = self.copies[0] if late else self.task(), new_id()

        def add() -> object:
            return commands.add_evidence(
                self.actors[who], copy, kind=kind, evidence_id=number, now=self.now, **PROOFS[kind]
            )

        done = self.attempt(add)
        assert done == (who in MAY["submit"] and old.state in OWED)
        if done:
            before = rows()
            add()
            assert rows() == before

    @rule(minutes=st.integers(1, 40), late=st.booleans())
    def time_passes(self, minutes: int, late: bool) -> None:
        """The worker climbs the ladder, perhaps with a row that it read a while ago."""
        self.now += timedelta(minutes=minutes)
        old = self.task()
        commands.climb(SYSTEM, self.copies[0] if late else old, now=self.now)
        new = self.task()
        assert new.state == old.state
        assert new.steps_taken - old.steps_taken in (0, 1)
        if new.steps_taken > old.steps_taken:
            assert old.state in OWED
            assert old.due_at is not None
            assert old.due_at <= self.now
            self.copies.append(new)
            del self.copies[:-3]

    @invariant()
    def what_is_owed_is_never_forgotten(self) -> None:
        task = self.task()
        waiting = task.state in OWED and task.steps_taken < len(task.ladder)
        assert (task.due_at is not None) == waiting
        climbed = [e.data["index"] for e in Entry.objects.filter(kind="tasks.step_due").order_by("id")]
        assert climbed == list(range(task.steps_taken))

    @invariant()
    def the_end_has_its_proof_and_its_line(self) -> None:
        task = self.task()
        ends: list[datetime] = list(
            Entry.objects.filter(kind__in=("tasks.verified", "tasks.cancelled")).values_list("happened_at", flat=True)
        )
        assert len(ends) == (task.state in ("verified", "cancelled"))
        if task.state == "verified":
            assert {"text", "count"} <= set(task.evidence.values_list("kind", flat=True))


def test_a_task_goes_along_legal_edges_only(cast: Cast) -> None:
    TaskMachine.cast = cast
    run_state_machine_as_test(TaskMachine, settings=settings(max_examples=200, stateful_step_count=15, deadline=None))
