"""Rows A1, D6: a task ends with proof and a second person; its ladder climbs while nobody answers."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from anlan.base.journal.models import Entry
from anlan.base.tasks import commands, rules
from anlan.base.tasks.models import Evidence, Task
from anlan.base.tasks.packs import ladder_for
from anlan.base.tasks.queries import my_tasks, visible_tasks
from anlan.base.tasks.rules import State
from anlan.kernel.errors import Conflict, Invalid, NotPermitted
from tests.cast import NOW, SYSTEM, Cast

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


def door(cast: Cast, origin: str = "door:1") -> Task:
    return commands.assign(
        SYSTEM,
        kind="door",
        title="上门叫醒 安口村监测员",
        post=cast.posts["village:140427203204"],
        person=cast.persons["head"],
        area_code="140427203204",
        origin=origin,
        due_at=NOW + timedelta(minutes=15),
        required=["photo", "count"],
        people_at_risk=438,
        now=NOW,
    )


@pytest.mark.django_db
@pytest.mark.both
class TestTasks:
    def test_assigning_twice_under_one_origin_makes_one_task(self, cast: Cast) -> None:
        first, second = door(cast), door(cast)
        assert first.id == second.id
        assert Entry.objects.filter(kind="tasks.assigned").count() == 1
        assert first.number == "RW-20260720-0001"

    def test_the_whole_way_from_assigned_to_verified(self, cast: Cast) -> None:
        task, head, duty = door(cast), cast.actor("cunzhang"), cast.actor("zhiban")
        commands.accept(head, task, now=NOW)
        with pytest.raises(Conflict, match="照片、人数"):
            commands.submit(head, task, now=NOW)
        commands.add_evidence(head, task, kind="photo", file=PNG, now=NOW)
        commands.add_evidence(head, task, kind="count", number=3, now=NOW)
        commands.submit(head, task, now=NOW)
        commands.verify(duty, task, now=NOW)
        assert Task.objects.get().state == State.VERIFIED
        kinds = list(Entry.objects.filter(subject=f"task:{task.id}").order_by("id").values_list("kind", flat=True))
        assert kinds == [
            "tasks.assigned", "tasks.accepted", "tasks.evidence_added", "tasks.evidence_added", "tasks.submitted",
            "tasks.verified",
        ]  # fmt: skip

    def test_nobody_verifies_a_task_of_their_own(self, cast: Cast) -> None:
        own = commands.assign(
            SYSTEM, kind="door", title="到岗", post=cast.posts["town:140427203"], person=cast.persons["town"],
            area_code="140427203", origin="own:1", due_at=NOW, now=NOW,
        )  # fmt: skip
        town = cast.actor("shipo")
        commands.submit(town, own, now=NOW)
        with pytest.raises(NotPermitted):
            commands.verify(town, own, now=NOW)
        assert Task.objects.get().state == State.SUBMITTED

    @pytest.mark.parametrize("username", ["dianshang", "guanli", "shenji"])
    def test_a_stranger_can_do_nothing_and_sees_nothing(self, cast: Cast, username: str) -> None:
        task, stranger = door(cast), cast.actor(username)
        before = Entry.objects.count()
        for act in (
            lambda: commands.accept(stranger, task, now=NOW),
            lambda: commands.add_evidence(stranger, task, kind="text", text="x", now=NOW),
            lambda: commands.submit(stranger, task, now=NOW),
            lambda: commands.verify(stranger, task, now=NOW),
            lambda: commands.cancel(stranger, task, reason="x", now=NOW),
        ):
            with pytest.raises(NotPermitted):
                act()
        assert Entry.objects.count() == before
        assert Task.objects.get().state == State.ASSIGNED
        assert not Evidence.objects.exists()
        assert not visible_tasks(stranger).exists()

    def test_the_village_head_sees_own_tasks_only(self, cast: Cast) -> None:
        task = door(cast)
        assert [t.id for t in my_tasks(cast.actor("cunzhang"))] == [task.id]
        assert [t.id for t in visible_tasks(cast.actor("shipo"))] == [task.id]

    @pytest.mark.parametrize(
        ("kind", "values", "field"),
        [
            ("photo", {"file": b"GIF89a not allowed"}, "invalid.file"),
            ("photo", {}, "invalid.file"),
            ("count", {"number": -1}, "invalid.number"),
            ("count", {}, "invalid.number"),
            ("text", {"text": "  "}, "invalid.text"),
            ("video", {}, "invalid.kind"),
        ],
    )
    def test_bad_evidence_is_refused_by_name_and_nothing_is_kept(
        self, cast: Cast, kind: str, values: dict[str, object], field: str
    ) -> None:
        task = door(cast)
        with pytest.raises(Invalid) as refused:
            commands.add_evidence(cast.actor("cunzhang"), task, kind=kind, now=NOW, **values)  # type: ignore[arg-type]
        assert refused.value.code == field
        assert not Evidence.objects.exists()

    def test_a_repeated_upload_is_one_proof(self, cast: Cast) -> None:
        task, head = door(cast), cast.actor("cunzhang")
        first = commands.add_evidence(head, task, kind="text", text="已到门口", now=NOW)
        again = commands.add_evidence(head, task, kind="text", text="已到门口", evidence_id=first.id, now=NOW)
        Task.objects.update(required=[])
        task.refresh_from_db()
        commands.submit(head, task, now=NOW)
        late = commands.add_evidence(head, task, kind="text", text="已到门口", evidence_id=first.id, now=NOW)
        assert again.id == late.id == first.id
        assert Evidence.objects.count() == 1

    def test_the_ladder_climbs_once_a_step_and_stops_when_handed_in(self, cast: Cast) -> None:
        task = door(cast)
        steps = ladder_for("door").steps
        at = task.deadline + timedelta(seconds=steps[0].at_s)
        commands.climb(SYSTEM, task, now=at - timedelta(seconds=1))
        assert not Entry.objects.filter(kind="tasks.step_due").exists()
        stale = Task.objects.get()
        commands.climb(SYSTEM, Task.objects.get(), now=at)
        commands.climb(SYSTEM, stale, now=at)  # a second worker that read before
        assert Entry.objects.filter(kind="tasks.step_due").count() == 1
        fresh = Task.objects.get()
        assert fresh.due_at == fresh.deadline + timedelta(seconds=steps[1].at_s)
        Task.objects.update(required=[])
        commands.submit(cast.actor("cunzhang"), Task.objects.get(), now=at)
        commands.climb(SYSTEM, Task.objects.get(), now=at + timedelta(days=1))
        assert Entry.objects.filter(kind="tasks.step_due").count() == 1

    def test_sending_back_wants_a_reason_and_reopens(self, cast: Cast) -> None:
        task = door(cast)
        Task.objects.update(required=[])
        task.refresh_from_db()
        commands.submit(cast.actor("cunzhang"), task, now=NOW)
        with pytest.raises(Invalid):
            commands.send_back(cast.actor("zhiban"), task, reason=" ", now=NOW)
        commands.send_back(cast.actor("zhiban"), task, reason="照片看不清", now=NOW)
        assert Task.objects.get().state == State.RETURNED

    def test_two_people_at_once_one_wins(self, cast: Cast) -> None:
        task = door(cast)
        stale = Task.objects.get()
        commands.accept(cast.actor("cunzhang"), task, now=NOW)
        with pytest.raises(Conflict):
            commands.accept(cast.actor("cunzhang"), stale, now=NOW)


class TaskMachine(RuleBasedStateMachine):
    """Any order of acts: only edges of the table, and an end is an end."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.ASSIGNED
        self.ended = False

    @rule(act=st.sampled_from(sorted(rules.EDGES)))
    def try_act(self, act: str) -> None:
        sources, target = rules.EDGES[act]
        if self.state in sources:
            self.state = rules.step(act, self.state)
            assert self.state is target
        else:
            with pytest.raises(Conflict):
                rules.step(act, self.state)

    @invariant()
    def an_end_stays(self) -> None:
        if self.ended:
            assert self.state not in rules.OPEN
        self.ended = self.state not in rules.OPEN


TestTaskMachine = TaskMachine.TestCase
TestTaskMachine.settings = settings(max_examples=60, deadline=None)
