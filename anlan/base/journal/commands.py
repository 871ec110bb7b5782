"""The only writer of the journal, and the frame that every command of every slice runs in."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction

from anlan.kernel.actor import Actor
from anlan.kernel.registry import Registry

from .models import Entry

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 4
DEADLOCK = ("40P01", "40001")
"""PostgreSQL's words for "you lost": deadlock_detected, serialization_failure."""

COMMANDS: Registry[Callable[..., Any]] = Registry("command")

# SQLite has one writer and an unfair queue for it: threads of one process wait here, in turn, not there.
_writer = threading.RLock()


@contextmanager
def writing() -> Iterator[None]:
    """One short write transaction; on SQLite the threads of this process take turns."""
    if connection.vendor == "sqlite":
        with _writer, transaction.atomic():
            yield
    else:
        with transaction.atomic():
            yield


def command(
    name: str, *, permission: str | None = None
) -> Callable[[Callable[Concatenate[Actor, P], R]], Callable[Concatenate[Actor, P], R]]:
    """Make a function the one way to do one state change: permission first, then a single transaction.

    PostgreSQL may end one of two transactions that wait for each other: nothing of it was done, so it is done again.
    """

    def wrap(function: Callable[Concatenate[Actor, P], R]) -> Callable[Concatenate[Actor, P], R]:
        @wraps(function)
        def run(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if permission is not None:
                actor.require(permission)
            for again in range(TRIES):
                try:
                    with writing():
                        return function(actor, *args, **kwargs)
                except OperationalError as error:
                    if again == TRIES - 1 or connection.in_atomic_block or not _lost_to_another(error):
                        raise
            raise AssertionError("unreachable")

        COMMANDS.add(name, run)
        return run

    return wrap


def _lost_to_another(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") in DEADLOCK


def record(
    actor: Actor,
    kind: str,
    *,
    subject: str,
    now: datetime,
    area: str = "",
    place: UUID | None = None,
    case: UUID | None = None,
    data: Mapping[str, object] | None = None,
) -> Entry:
    """Write one line, unsealed, in the caller's transaction.

    subject: "alarm:<id>". case: the incident whose timeline the line belongs to. data: ids and numbers only.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"journal line {kind} outside a command's transaction")
    return Entry.objects.create(
        kind=kind,
        subject=subject,
        actor=actor.label,
        account_id=actor.account_id,
        area=area,
        place_id=place,
        case_id=case,
        mode=actor.mode,
        happened_at=now,
        recorded_at=datetime.now(UTC),
        data=dict(data or {}),
    )
