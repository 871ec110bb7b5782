"""What must happen later is a row with `due_at`; whoever does it holds a lease, so two never do it at once."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import connection
from django.db.models import Model, Q, QuerySet

from .commands import writing

M = TypeVar("M", bound=Model)


def claim(queryset: QuerySet[M], *, owner: str, now: datetime, lease_s: float, limit: int) -> list[M]:
    """Take the rows that are due and free, each by a conditional UPDATE, and return those this owner now holds.

    The model has `due_at`, `lease_owner`, `lease_until`. `now` is site time; the lease is counted in real seconds,
    for it is about processes, and a dead one must not be waited for longer because a demo clock runs slowly.
    """
    real = datetime.now(UTC)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=real)
    keys: Sequence[object] = list(
        queryset.filter(free, due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:limit]
    )
    if not keys:
        return []
    manager = queryset.model._base_manager
    until = real + timedelta(seconds=lease_s)
    held = []
    # SQLite locks the whole file anyway, and a commit costs a sync. Elsewhere one row at a time: who holds a row and
    # waits for the next can be waited for in a circle.
    with writing() if connection.vendor == "sqlite" else nullcontext():
        for key in keys:
            if manager.filter(free, pk=key, due_at__lte=now).update(lease_owner=owner, lease_until=until) == 1:
                held.append(key)
    return list(queryset.filter(pk__in=held, lease_owner=owner))
