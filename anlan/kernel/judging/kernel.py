"""The kernel as the rest of the program uses it: series and slots in, batches of columns in, transitions out.

A batch, a tick, a snapshot, a restore. Snapshot + replay of what came later gives the state of an uninterrupted run.
Never: knowing a rule, a place or a database.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from anlan.kernel.judging import core
from anlan.kernel.judging.cases import CaseChange, Cases
from anlan.kernel.judging.operators import OPERATORS, TAIL, Ints

HOUR_MS = 3_600_000
HORIZON_MS = 26 * HOUR_MS
FORMAT = 1
_FIRST_CAP = 64
_NONE: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """One series. counter: its values accumulate and are differenced; modulus: where it rolls over (0 = never);
    most: the largest believable step. All in the series' fixed point."""

    key: int
    counter: bool = False
    modulus: int = 0
    most: int = 1 << 60


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One limit of one series (its position in the list of series). raise_at and clear_at: fixed point, clear under
    it; span_ms: hold, window or silence; below: judged downwards; case and level: what it means."""

    series: int
    operator: str
    raise_at: int
    clear_at: int
    span_ms: int
    case: int
    level: int
    below: bool = False


@dataclass(slots=True)
class Transitions:
    """Slot transitions as columns: slot (index of its spec), up 1 or down 0, true_at and known_at in ms, value, and
    change: 0 in order, 1 added by a re-judgement, 2 taken back by one."""

    slot: Ints
    up: Ints
    true_at: Ints
    known_at: int
    value: Ints
    change: Ints

    def __len__(self) -> int:
        return len(self.slot)

    def rows(self) -> list[list[int]]:
        rows: list[list[int]] = np.column_stack([self.slot, self.up, self.true_at, self.value, self.change]).tolist()
        return rows


class SnapshotMismatch(Exception):
    """The snapshot was taken under other series or slots; replay instead."""


class Kernel:
    """State of all series of one shard. Not thread-safe: one writer."""

    def __init__(self, series: Sequence[SeriesSpec], slots: Sequence[SlotSpec], horizon_ms: int = HORIZON_MS) -> None:
        self.series, self.slots, self.horizon = tuple(series), tuple(slots), horizon_ms
        order = sorted(range(len(slots)), key=lambda i: (OPERATORS[slots[i].operator].code, slots[i].series, i))
        self._spec_of = np.array(order, np.int64)
        self._book = self._new_book(order)
        self._out = np.zeros((max(8192, 4 * len(slots) + 64), 5), np.int64)
        self._old = np.zeros((4096, 5), np.int64)
        self._new = np.zeros((4096, 5), np.int64)
        self.cases = Cases([spec.case for spec in slots], [spec.level for spec in slots])
        self.index = {spec.key: i for i, spec in enumerate(series)}

    def _new_book(self, order: Sequence[int]) -> core.Book:
        series, slots = self.series, [self.slots[i] for i in order]
        count = len(series)
        first = np.zeros((len(OPERATORS), count + 1), np.int64)
        position = 0
        for name, operator in OPERATORS.items():
            for s in range(count + 1):
                first[operator.code, s] = position
                while (
                    s < count
                    and position < len(slots)
                    and (slots[position].operator, slots[position].series) == (name, s)
                ):
                    position += 1
        off = np.arange(count, dtype=np.int64) * _FIRST_CAP
        window = np.zeros(count, np.int64)
        params = np.zeros((len(slots), 4), np.int64)
        for k, spec in enumerate(slots):
            sign = -1 if spec.below else 1
            params[k] = (spec.raise_at * sign, spec.clear_at * sign, spec.span_ms, sign)
            if spec.operator == "sum":
                window[spec.series] = max(window[spec.series], spec.span_ms)
        state = np.zeros((len(slots), 4), np.int64)
        for k, spec in enumerate(slots):
            state[k] = (0, -1 if spec.operator == "limit" else 0, off[spec.series], 0)
        size = max(1, count * _FIRST_CAP)
        return core.Book(
            T=np.zeros(size, np.int64),
            V=np.zeros(size, np.int64),
            off=off,
            cap=np.full(count, _FIRST_CAP, np.int64),
            lo=off.copy(),
            hi=off.copy(),
            cp=off.copy(),
            counter=np.array([int(s.counter) for s in series], np.int64),
            modulus=np.array([s.modulus for s in series], np.int64),
            most=np.array([s.most for s in series], np.int64),
            window=window,
            first=first,
            P=params,
            Z=state,
            C=state.copy(),
            clock=np.zeros(1, np.int64),
            stale=np.zeros(1, np.int64),
            used=np.array([count * _FIRST_CAP], np.int64),
        )

    @property
    def stale(self) -> int:
        """Readings that came later than the horizon: stored by others, not judged here."""
        return int(self._book.stale[0])

    @property
    def clock(self) -> int:
        """The latest tick, Unix ms."""
        return int(self._book.clock[0])

    def last_times(self) -> Ints:
        """Newest event time of each series, 0 = never reported."""
        b = self._book
        newest: Ints = np.where(b.hi > b.lo, b.T[np.maximum(b.hi - 1, 0)], 0)
        return newest

    def ingest(
        self, series: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike, known_at: int = 0
    ) -> Transitions:
        """Judge a batch: positions of series, event times (Unix ms), values (fixed point), in order of arrival."""
        # One memory layout, writable: a read-only view would compile a second specialisation in the middle of a storm.
        S, T, V = _column(series), _column(times), _column(values)
        parts: list[Ints] = []
        at, n = 0, 0
        while True:
            at, n, why = core.ingest(self._book, S, T, V, at, self.horizon, self._old, self._new, self._out, n)
            if why == core.DONE:
                break
            if why == core.SERIES_FULL:
                self._grow()
            elif why == core.SCRATCH_FULL:
                self._old = np.zeros((2 * len(self._old), 5), np.int64)
                self._new = np.zeros_like(self._old)
            elif n:
                parts.append(self._out[:n].copy())
                n = 0
            else:
                self._out = np.zeros((2 * len(self._out), 5), np.int64)
        parts.append(self._out[:n].copy())
        return self._transitions(parts, known_at)

    def tick(self, now: int) -> Transitions:
        """Tell the kernel the time (Unix ms): series whose last reading is too old fall silent."""
        n = core.tick(self._book, now, self._out)
        return self._transitions([self._out[:n].copy()], now)

    def judge_cases(self, transitions: Transitions) -> list[CaseChange]:
        """The second pass over what `ingest` or `tick` returned."""
        return self.cases.apply(transitions.rows(), transitions.known_at) if len(transitions) else []

    def fold(self) -> None:
        """Let go of case steps that are two horizons older than the clock."""
        self.cases.fold(self.clock - 2 * self.horizon)

    def _transitions(self, parts: list[Ints], known_at: int) -> Transitions:
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not len(rows):  # nearly always
            return Transitions(_NONE, _NONE, _NONE, known_at, _NONE, _NONE)
        return Transitions(self._spec_of[rows[:, 0]], rows[:, 1], rows[:, 2], known_at, rows[:, 3], rows[:, 4])

    def _grow(self) -> None:
        """Twice the room for readings."""
        b = self._book
        times, values = np.zeros(2 * len(b.T), np.int64), np.zeros(2 * len(b.T), np.int64)
        times[: len(b.T)], values[: len(b.T)] = b.T, b.V
        self._book = b._replace(T=times, V=values)

    def fingerprint(self) -> str:
        """What a snapshot belongs to: the series, the slots, the horizon and the format."""
        text = repr((FORMAT, self.horizon, [astuple(s) for s in self.series], [astuple(s) for s in self.slots]))
        return hashlib.sha256(text.encode()).hexdigest()

    def snapshot(self) -> bytes:
        """All state as bytes; only readings that may still matter are in it."""
        b = self._book
        for s in range(len(self.series)):
            core.settle(b, s, self.horizon, self._new)
        held = b.hi - b.lo
        inside = np.repeat(b.lo, held) + _within(held)
        slab = np.array([b.lo[self.slots[i].series] for i in self._spec_of], np.int64)
        now, checkpoint = b.Z.copy(), b.C.copy()
        now[:, TAIL] -= slab
        checkpoint[:, TAIL] -= slab
        columns = {"held": held, "T": b.T[inside], "V": b.V[inside], "cp": b.cp - b.lo, "Z": now, "C": checkpoint}
        data: dict[str, Any] = {name: np.ascontiguousarray(column).tobytes() for name, column in columns.items()}
        data |= {"for": self.fingerprint(), "clock": self.clock, "stale": self.stale, "cases": self.cases.dump()}
        return msgspec.msgpack.encode(data)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot. Raises SnapshotMismatch when series or slots have changed since."""
        data = msgspec.msgpack.decode(snapshot)
        if data["for"] != self.fingerprint():
            raise SnapshotMismatch("series or slots changed")
        held, old_t, old_v, cp, now, checkpoint = (
            np.frombuffer(data[name], np.int64).copy() for name in ("held", "T", "V", "cp", "Z", "C")
        )
        cap = np.maximum(_FIRST_CAP, 2 * held)
        off = np.cumsum(cap) - cap
        used = int(cap.sum())
        times, values = np.zeros(max(1, used), np.int64), np.zeros(max(1, used), np.int64)
        inside = np.repeat(off, held) + _within(held)
        times[inside], values[inside] = old_t, old_v
        slab = np.array([off[self.slots[i].series] for i in self._spec_of], np.int64)
        state, before = now.reshape(-1, 4), checkpoint.reshape(-1, 4)
        state[:, TAIL] += slab
        before[:, TAIL] += slab
        self._book = self._book._replace(
            T=times, V=values, off=off, cap=cap, lo=off.copy(), hi=off + held, cp=off + cp, Z=state, C=before,
            clock=np.array([data["clock"]], np.int64), stale=np.array([data["stale"]], np.int64),
            used=np.array([used], np.int64),
        )  # fmt: skip
        self.cases.load(data["cases"])


def _column(given: npt.ArrayLike) -> Ints:
    """As the compiled loops take it; `np.require` alone costs more than judging a dozen readings."""
    if isinstance(given, np.ndarray) and given.dtype == np.int64 and given.flags.c_contiguous and given.flags.writeable:
        return given
    return np.require(given, np.int64, ["C", "W"])


def _within(counts: Ints) -> Ints:
    """0, 1, … inside each run: for counts (2, 3): 0 1 0 1 2."""
    starts = np.cumsum(counts) - counts
    positions: Ints = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts, counts)
    return positions
