"""A database that really refuses: a trigger on a table, for as long as a test wants it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def refuse_writes(table: str, connection: BaseDatabaseWrapper, only: str = "") -> Iterator[None]:
    """INSERT and UPDATE of a table fail inside; `only`: an SQL condition on the new row. Works on both databases."""
    events, name = ("INSERT", "UPDATE"), f"refuse_{table}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            body = "BEGIN RAISE EXCEPTION 'refused'; END"
            cursor.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        for event in events:
            when = f"WHEN ({only})" if only else ""
            act = (
                f"FOR EACH ROW {when} EXECUTE FUNCTION {name}()"
                if connection.vendor == "postgresql"
                else f"FOR EACH ROW {when} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
            cursor.execute(f"CREATE TRIGGER {name}_{event.lower()} BEFORE {event} ON {table} {act}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for event in events:
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER {name}_{event.lower()}{on}")
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP FUNCTION {name}()")
