"""Rows A1, A2: every change is one journal line; the chain shows an altered, removed or inserted one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from anlan.base.journal import subscriptions
from anlan.base.journal.commands import command, record, writing
from anlan.base.journal.models import Cursor, Entry, Head, Parked
from anlan.base.journal.rules import seal
from anlan.base.journal.sealing import seal_batch, verify
from anlan.base.journal.subscriptions import Subscription, deliver
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.errors import NotPermitted
from anlan.kernel.modes import Mode

pytestmark = [pytest.mark.django_db, pytest.mark.both]
NOW = datetime(2026, 7, 20, 14, 0, tzinfo=UTC)
ACTOR = system_actor("test", Mode.DRILL)


def write(count: int, kind: str = "test.happened", area: str = "140427203") -> None:
    for number in range(count):
        with writing():
            record(ACTOR, kind, subject=f"thing:{number}", now=NOW, area=area, data={"n": number})


def test_a_line_cannot_be_written_outside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match=r"test\.happened"):
        record(ACTOR, "test.happened", subject="thing:1", now=NOW)
    assert not Entry.objects.exists()


def test_sealing_numbers_without_gap_and_chains() -> None:
    write(7)
    assert seal_batch() == 7
    write(3)
    assert seal_batch() == 3
    assert [e.offset for e in Entry.objects.sealed()] == list(range(1, 11))
    assert verify().faults == ()
    assert verify().sealed == 10


def test_unsealed_lines_are_not_read_by_subscribers_and_are_counted() -> None:
    write(2)
    heard: list[int] = []
    subscription = Subscription("t", ("test.*",), lambda entry: heard.append(entry.offset or 0))
    assert deliver(subscription) == 0
    assert verify().unsealed == 2
    seal_batch()
    deliver(subscription)
    assert heard == [1, 2]


@pytest.mark.parametrize("column", ["kind", "subject", "actor", "area", "data", "happened_at", "mode"])
def test_verify_finds_an_altered_line(column: str) -> None:
    write(5)
    seal_batch()
    changes = {"data": {"n": 99}, "happened_at": NOW + timedelta(seconds=1)}
    Entry.objects.filter(offset=3).update(**{column: changes.get(column, "x")})
    assert 3 in [fault.offset for fault in verify().faults]


def test_verify_finds_a_removed_line() -> None:
    write(5)
    seal_batch()
    Entry.objects.filter(offset=2).delete()
    faults = verify().faults
    assert faults
    assert faults[0].offset == 2


def test_verify_finds_a_removed_tail() -> None:
    write(5)
    seal_batch()
    Entry.objects.filter(offset__gte=4).delete()
    assert [fault.offset for fault in verify().faults] == [4]


def test_verify_finds_an_inserted_line() -> None:
    write(5)
    seal_batch()
    for entry in Entry.objects.filter(offset__gte=3).order_by("-offset"):
        Entry.objects.filter(id=entry.id).update(offset=(entry.offset or 0) + 1)
    forged = Entry.objects.get(offset=2)
    Entry.objects.create(
        kind="test.forged",
        subject="thing:x",
        actor="system:test",
        mode="drill",
        happened_at=NOW,
        recorded_at=NOW,
        offset=3,
        hash=seal(forged.hash, {"made": "up"}),
    )
    Head.objects.filter(id=1).update(offset=6)
    assert 3 in [fault.offset for fault in verify().faults]


def test_a_second_sealer_that_lost_the_race_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    original = Head.objects.get_or_create

    def stale(**kwargs: object) -> object:
        head, made = original(id=1)
        Head.objects.filter(id=1).update(offset=head.offset + 1)  # another sealer was quicker
        return head, made

    monkeypatch.setattr(Head.objects, "get_or_create", stale)
    assert seal_batch() == 0
    assert Entry.objects.unsealed().count() == 3


def test_a_handler_that_fails_is_tried_again_then_parked_and_the_next_entry_is_heard() -> None:
    write(2)
    seal_batch()
    heard: list[int] = []

    def handler(entry: Entry) -> None:
        if entry.offset == 1:
            raise ValueError("cannot take this one")
        heard.append(entry.offset or 0)

    subscription = Subscription("fails", ("test.happened",), handler)
    for _ in range(subscriptions.PARK_AFTER + 1):
        Cursor.objects.filter(name="fails").update(retry_at=None)
        deliver(subscription)
    assert heard == [2]
    assert Parked.objects.get().offset == 1


def test_delivery_is_at_least_once_when_the_cursor_was_not_saved() -> None:
    write(3)
    seal_batch()
    heard: list[int] = []
    subscription = Subscription("again", ("test.happened",), lambda entry: heard.append(entry.offset or 0))
    deliver(subscription)
    Cursor.objects.filter(name="again").update(offset=1)  # killed between effect and cursor
    deliver(subscription)
    assert heard == [1, 2, 3, 2, 3]


def test_a_command_without_permission_changes_nothing() -> None:
    @command("test.refused_command", permission="alarms.clear")
    def act(actor: Actor) -> None:
        record(actor, "test.never", subject="thing:1", now=NOW)

    with pytest.raises(NotPermitted):
        act(Actor(name="stranger", mode=Mode.DRILL))
    assert not Entry.objects.exists()


def test_the_town_officer_reads_her_town_only_and_one_mode_only() -> None:
    write(1, area="140427203")
    write(1, area="140427102")
    town = Actor(name="town", areas=("140427203",), mode=Mode.DRILL)
    assert [e.area for e in Entry.objects.visible_to(town)] == ["140427203"]
    assert not Entry.objects.visible_to(Actor(name="real", areas=("140427",), mode=Mode.REAL)).exists()


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4), st.text(max_size=8))
def test_the_seal_depends_on_every_value(line: dict[str, object], previous: str) -> None:
    base = seal(previous, line)
    assert seal(previous + "x", line) != base
    assert seal(previous, {**line, "another": 1}) != base


def test_it_runs_on_the_database_that_was_asked_for() -> None:
    assert connection.vendor in ("sqlite", "postgresql")
