"""Two at once, on both databases: rows are claimed once, lines numbered once, an alarm opened once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connection, connections

from anlan.base.journal.commands import command, record, writing
from anlan.base.journal.due import claim
from anlan.base.journal.models import Entry
from anlan.base.journal.sealing import seal_batch, verify
from anlan.base.people.models import Post
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.rules import RuleFacts
from tests.cast import NOW, SYSTEM, Cast, make_cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both, pytest.mark.timeout(60)]
RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)
R = TypeVar("R")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """The cast, committed, so that every thread sees it."""
    return make_cast()


def together(count: int, act: Callable[[int], R]) -> list[R]:
    """Run the same act in so many threads that start at one moment, each with a connection of its own."""
    line = threading.Barrier(count)

    def one(number: int) -> R:
        line.wait(10)
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def owed(number: int) -> Task:
    return tasks.assign(
        SYSTEM, kind="check", title=f"查看 {number}", post=None, person=None, area_code="140427203",
        origin=f"check:{number}", due_at=NOW - timedelta(hours=1), now=NOW - timedelta(hours=2),
    )  # fmt: skip


def test_four_claimers_take_every_due_row_once(people: Cast) -> None:
    for number in range(30):
        owed(number)
    taken = together(
        4, lambda n: [t.pk for t in claim(Task.objects.all(), owner=f"w{n}", now=NOW, lease_s=60, limit=30)]
    )
    everything = [key for keys in taken for key in keys]
    assert len(everything) == len(set(everything)) == 30


def test_writers_and_sealers_at_once_leave_an_unbroken_chain(people: Cast) -> None:
    before = Entry.objects.count()

    def act(number: int) -> int:
        if number < 2:
            return sum(seal_batch() for _ in range(20))
        for n in range(20):
            with writing():
                record(SYSTEM, "test.happened", subject=f"thing:{number}:{n}", now=NOW, area="140427")
        return 0

    together(4, act)
    while seal_batch():
        pass
    found = verify()
    assert (found.faults, found.unsealed, found.sealed) == ((), 0, before + 40)


def test_an_alarm_raised_by_four_at_once_is_one(people: Cast) -> None:
    place = people.places["WX1"]

    def act(_number: int) -> object:
        return alarms.raise_alarm(
            SYSTEM, rule=RAIN, place=place, level=4, true_at=NOW, known_at=NOW, evidence={}, now=NOW
        ).id

    assert len(set(together(4, act))) == 1
    assert Alarm.objects.count() == 1
    assert Entry.objects.filter(kind="alarms.raised").count() == 1


def test_a_task_handed_in_by_two_at_once_is_handed_in_once(people: Cast) -> None:
    task = owed(1)

    def act(_number: int) -> str:
        try:
            tasks.submit(SYSTEM, Task.objects.get(pk=task.pk), now=NOW)
        except Conflict:
            return "late"
        return "done"

    assert sorted(together(2, act)) == ["done", "late"]
    assert Entry.objects.filter(kind="tasks.submitted").count() == 1


crossing = threading.Barrier(2, timeout=5)


@command("test.cross")
def cross(actor: Actor, first: str, second: str, meet: list[bool]) -> None:
    """Locks two posts one after the other; on the first try both have the one before either asks for the other."""
    Post.objects.filter(code=first).update(title="甲")
    if meet.pop():
        crossing.wait()
    Post.objects.filter(code=second).update(title="乙")


def test_two_that_wait_for_each_other_both_get_done(people: Cast) -> None:
    """PostgreSQL ends one of them; the command does it again. SQLite lets no second writer in, so nobody meets."""
    one, two = "village:140427203204", "town:140427203"
    real = connection.vendor == "postgresql"
    together(2, lambda n: cross(SYSTEM, *((one, two) if n else (two, one)), [False, False, False, real]))
    assert {Post.objects.get(code=code).title for code in (one, two)} <= {"甲", "乙"}
