"""Calls, events and numbers in one SQLite file, so that a killed company remembers who was ringing.

Every change commits with a full sync before anybody hears of it. One process, one thread.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.phones.sleepers import Planned

_SCHEMA = """
CREATE TABLE IF NOT EXISTS numbers (number TEXT PRIMARY KEY, sleeper TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, number TEXT NOT NULL, body TEXT NOT NULL,
    accepted REAL NOT NULL, state TEXT NOT NULL, plan TEXT NOT NULL, of_s REAL NOT NULL, answered REAL,
    seq INTEGER NOT NULL, by_hand INTEGER NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_state ON calls (state);
CREATE INDEX IF NOT EXISTS calls_number ON calls (number, accepted);
CREATE TABLE IF NOT EXISTS events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, call TEXT NOT NULL, body TEXT NOT NULL, callback TEXT NOT NULL,
    tries INTEGER NOT NULL, next_try REAL, first_try REAL);
CREATE INDEX IF NOT EXISTS events_call ON events (call);
CREATE INDEX IF NOT EXISTS events_next ON events (next_try);
"""


@dataclass
class Call:
    """One call. Times are Unix seconds of the site's clock. state: ringing (or about to), talking, over."""

    id: str
    key: str
    fingerprint: str
    number: str
    body: dict[str, Any]
    accepted: float
    state: str
    plan: list[Planned]
    of_s: float
    answered: float | None
    seq: int
    by_hand: bool
    result: str


@dataclass(frozen=True)
class Outgoing:
    """One event that a callback has not confirmed."""

    cursor: int
    body: dict[str, Any]
    callback: str
    tries: int
    first_try: float | None


class Store:
    """The file. Use `with store.change():` around everything that belongs together."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _call(self, row: sqlite3.Row) -> Call:
        values = dict(row)
        values["body"] = json.loads(row["body"])
        values["plan"] = [Planned(*step) for step in json.loads(row["plan"])]
        values["by_hand"] = bool(row["by_hand"])
        return Call(**values)

    def calls(self, where: str = "1", *values: object, limit: int = 5000) -> list[Call]:
        """where: a condition of this program's own, with ? for values."""
        columns = "id, key, fingerprint, number, body, accepted, state, plan, of_s, answered, seq, by_hand, result"
        query = f"SELECT {columns} FROM calls WHERE {where} ORDER BY accepted DESC LIMIT {limit}"
        return [self._call(row) for row in self._db.execute(query, values)]

    def count_since(self, number: str, since: float) -> int:
        query = "SELECT COUNT(*) FROM calls WHERE number = ? AND accepted >= ?"
        return int(self._db.execute(query, (number, since)).fetchone()[0])

    def save(self, call: Call) -> None:
        plan = json.dumps([[p.after_s, p.event, p.seconds, p.digit, p.result] for p in call.plan])
        self._db.execute(
            "INSERT OR REPLACE INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                call.id,
                call.key,
                call.fingerprint,
                call.number,
                json.dumps(call.body),
                call.accepted,
                call.state,
                plan,
                call.of_s,
                call.answered,
                call.seq,
                call.by_hand,
                call.result,
            ),
        )

    def add_event(self, call: str, body: dict[str, Any], callback: str) -> None:
        self._db.execute(
            "INSERT INTO events (call, body, callback, tries, next_try) VALUES (?,?,?,0,?)",
            (call, json.dumps(body), callback, 0.0 if callback else None),
        )

    def events_of(self, call: str) -> list[dict[str, Any]]:
        query = "SELECT body FROM events WHERE call = ? ORDER BY cursor"
        return [json.loads(row[0]) for row in self._db.execute(query, (call,))]

    def events_after(self, cursor: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        rows = self._db.execute(
            "SELECT cursor, body FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?", (cursor, limit)
        ).fetchall()
        return [json.loads(row[1]) for row in rows], rows[-1][0] if rows else cursor

    def outgoing(self, unix: float, limit: int) -> list[Outgoing]:
        rows = self._db.execute(
            "SELECT cursor, body, callback, tries, first_try FROM events WHERE next_try <= ? ORDER BY cursor LIMIT ?",
            (unix, limit),
        )
        return [Outgoing(row[0], json.loads(row[1]), row[2], row[3], row[4]) for row in rows]

    def delivered(self, cursors: list[int]) -> None:
        self._db.executemany("UPDATE events SET next_try = NULL WHERE cursor = ?", [(c,) for c in cursors])

    def again(self, cursors: list[int], *, unix: float, next_try: float | None) -> None:
        self._db.executemany(
            "UPDATE events SET tries = tries + 1, first_try = COALESCE(first_try, ?), next_try = ? WHERE cursor = ?",
            [(unix, next_try, c) for c in cursors],
        )

    def override(self, number: str) -> str | None:
        row = self._db.execute("SELECT sleeper FROM numbers WHERE number = ?", (number,)).fetchone()
        return row[0] if row else None

    def set_override(self, number: str, sleeper: str | None) -> None:
        if sleeper is None:
            self._db.execute("DELETE FROM numbers WHERE number = ?", (number,))
        else:
            self._db.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (number, sleeper))
