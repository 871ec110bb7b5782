"""Numbers that people read out: prefix, Beijing day, serial."""

from datetime import datetime

from django.db.models import F

from anlan.kernel.clock import beijing

from .models import Counter


def next_number(prefix: str, now: datetime) -> str:
    """RW-20260721-0012. Call inside the transaction of the command: a rolled-back command gives its number back."""
    name = f"{prefix}-{beijing(now):%Y%m%d}"
    Counter.objects.get_or_create(name=name)
    Counter.objects.filter(name=name).update(value=F("value") + 1)
    return f"{name}-{Counter.objects.get(name=name).value:04d}"
