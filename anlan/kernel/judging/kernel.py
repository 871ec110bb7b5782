"""The kernel as the rest of the program uses it: series and slots in, batches of columns in, transitions out.

A batch, a tick, a snapshot, a restore. Never: knowing a rule, a place or a database.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from anlan.kernel.judging import core, layout, rejudge
from anlan.kernel.judging import snapshot as states
from anlan.kernel.judging.cases import Cases, Combination, Steps
from anlan.kernel.judging.layout import FAR, GENERATIONS, VOID, Ints
from anlan.kernel.judging.operators import AHEAD, OPERATORS, RISE, SCREEN, SILENCE, SUM, VALUE

HOUR_MS = 3_600_000
HORIZON_MS = 26 * HOUR_MS
FORMAT = 2
_MOST_AT_FIRST = 8192
"""Readings for which a series is given room before it has said anything."""


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """One series. counter: its values accumulate and are differenced; modulus: where it rolls over (0 = never);
    most: the largest believable step; spike: a step over it is held for one reading (0 = none is); all in the series'
    fixed point. every_ms: how often it reports, 0 = not known: only a hint for the room it is given at first."""

    key: int
    counter: bool = False
    modulus: int = 0
    most: int = 1 << 60
    spike: int = 0
    every_ms: int = 0


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One limit of one series (its position in the list of series). raise_at and clear_at: fixed point, clear under it;
    span_ms and extra_ms: the operator's lengths; hold_ms: how long its number must stand over the limit (for `limit`
    that is its span); below: judged downwards; case and level: what it means; from_ms, to_ms: in force between."""

    series: int
    operator: str
    raise_at: int
    clear_at: int
    span_ms: int
    case: int
    level: int
    below: bool = False
    extra_ms: int = 0
    hold_ms: int = 0
    from_ms: int = -FAR
    to_ms: int = FAR

    def feature(self) -> tuple[int, int, int]:
        """Kind and lengths of the number that it is judged by; slots that share it are worked out once."""
        kind = OPERATORS[self.operator].kind
        return (kind, 0, 0) if kind in (VALUE, SILENCE, SCREEN) else (kind, self.span_ms, self.extra_ms)


class Transitions:
    """Slot transitions of a batch. table: rows of slot, up 1 or down 0, true_at in ms, value, and change: 0 in order, 1
    added by a re-judgement, 2 taken back by one; slots are counted as the kernel has sorted them."""

    def __init__(self, table: Ints, known_at: int, spec_of: Ints) -> None:
        self.table, self.known_at, self.spec_of = table, known_at, spec_of

    def __len__(self) -> int:
        return len(self.table)

    def rows(self) -> list[list[int]]:
        """The same with each slot as the position of its spec."""
        rows: list[list[int]] = self.table.tolist()
        for row in rows:
            row[0] = int(self.spec_of[row[0]])
        return rows


class Kernel:
    """State of all series of one shard. Not thread-safe: one writer."""

    def __init__(
        self,
        series: Sequence[SeriesSpec],
        slots: Sequence[SlotSpec],
        horizon_ms: int = HORIZON_MS,
        combinations: Sequence[Combination] = (),
    ) -> None:
        self.series, self.slots, self.horizon = tuple(series), tuple(slots), horizon_ms
        self.combinations = tuple(combinations)
        features = _features(self.series, self.slots)
        row_of = {feature: f for f, feature in enumerate(features)}
        order = sorted(range(len(slots)), key=lambda i: (row_of[slots[i].series, slots[i].feature()], i))
        self._spec_of = np.array(order, np.int64)
        self.book = _new_book(self.series, features, [slots[i] for i in order], horizon_ms)
        self._most = 16 + 6 * max(Counter(spec.series for spec in slots).values(), default=0)
        self._out = np.zeros((max(8192, 4 * len(slots), 8 * self._most), 5), np.int64)
        self._old = np.zeros((4096, 5), np.int64)
        self._new = np.zeros((4096, 5), np.int64)
        self.cases = Cases([(slots[i].case, slots[i].level, i) for i in order], self.combinations)
        self._screens = np.flatnonzero(self.book.F[:-1, layout.KIND] == SCREEN)

    @property
    def stale(self) -> int:
        """Readings that came later than the horizon: stored by others, not judged here."""
        return int(self.book.stale[0])

    @property
    def clock(self) -> int:
        """The latest tick, Unix ms."""
        return int(self.book.clock[0])

    def last_times(self) -> Ints:
        """Newest event time of each series, 0 = never reported."""
        newest: Ints = np.maximum(self.book.H[:, layout.LAST], 0)
        return newest

    def held(self) -> Ints:
        """Positions of the series whose newest reading the screen for spikes holds."""
        b = self.book
        rows = self._screens[b.G[self._screens, layout.TAIL] >= 0]
        found: Ints = np.searchsorted(b.feature, rows, "right") - 1
        return found

    def added(self, series: int, since: int) -> int:
        """What a series has added to sums after an event time (Unix ms), as far as its readings are kept."""
        b = self.book
        base, mask = core.slab(int(b.H[series, layout.RING]))
        odd, total = b.H[series, layout.RING] & layout.ODD, 0
        for p in range(int(b.H[series, layout.HEAD]), int(b.I[series, layout.OLDEST]) - 1, -1):
            row = base + ((p & mask) << layout.LANES)
            if b.R[row, layout.TIME] <= since:
                break
            total += int(b.A[row, layout.ADDS] if odd else max(b.R[row, layout.WORTH], 0))
        return total

    def ingest(
        self, series: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike, known_at: int = 0
    ) -> Transitions:
        """Judge a batch: positions of series, event times (Unix ms), values (fixed point), in order of arrival."""
        # One memory layout, writable: a read-only view would compile a second specialisation in the middle of a storm.
        S, T, V = _column(series), _column(times), _column(values)
        parts: list[Ints] = []
        at, n = 0, 0
        while True:
            at, n, why = rejudge.ingest(
                self.book, S, T, V, at, self.horizon, self._old, self._new, self._out, n, self._most
            )
            if why == core.DONE:
                break
            if why == core.CARE_DUE:
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

    def withdraw(self, series: int, times: Sequence[int], known_at: int = 0) -> Transitions:
        """Readings of a series that are to count as never measured; times that it does not hold are passed over."""
        parts = []
        for at in times:
            if at <= self.book.H[series, layout.LAST]:
                parts.append(self._one(series, lambda n, at=at: rejudge.late(
                    self.book, series, at, VOID, self.horizon, self._old, self._new, self._out, n)))  # fmt: skip
        return self._transitions(parts or [self._out[:0]], known_at)

    def release(self, series: int, known_at: int = 0) -> Transitions:
        """Judge the reading of a series that the screen for spikes holds: a neighbour bears it out."""
        release = self._one(series, lambda n: rejudge.release(self.book, series, self._old, self._new, self._out, n))
        return self._transitions([release], known_at)

    def _one(self, series: int, act: Any) -> Ints:
        """An act on one series with room for whatever it may write."""
        worst = self._most * int(self.book.H[series, layout.HEAD] + 3 - self.book.I[series, layout.OLDEST])
        if worst > len(self._old):
            self._old, self._new = np.zeros((worst, 5), np.int64), np.zeros((worst, 5), np.int64)
        if 2 * worst > len(self._out):
            self._out = np.zeros((2 * worst, 5), np.int64)
        return self._out[: act(0)].copy()

    def tick(self, now: int) -> Transitions:
        """Tell the kernel the time (Unix ms): series whose last reading is too old fall silent."""
        n = rejudge.tick(self.book, now, self._out)
        return self._transitions([self._out[:n].copy()], now)

    def judge_cases(self, found: Transitions) -> Steps:
        """The second pass over what `ingest` or `tick` returned."""
        return self.cases.apply(found.table, found.known_at)

    def fold(self) -> None:
        """Let go of case steps that are two horizons older than the clock."""
        self.cases.fold(self.clock - 2 * self.horizon)

    def _transitions(self, parts: list[Ints], known_at: int) -> Transitions:
        return Transitions(parts[0] if len(parts) == 1 else np.concatenate(parts), known_at, self._spec_of)

    def _grow(self) -> None:
        """Twice the room for readings."""
        readings, more = layout.rows(2 * len(self.book.R), 2), layout.rows(2 * len(self.book.R), 2)
        readings[: len(self.book.R)], more[: len(self.book.R)] = self.book.R, self.book.A
        self.book = self.book._replace(R=readings, A=more)

    def snapshot(self) -> bytes:
        """All state as bytes, but for the readings, which the record holds."""
        about = {"for": self.fingerprint, "cases": self.cases.dump()}
        return states.take(self.book, self.horizon, about)

    def restore(self, taken: bytes, record: Callable[[int], states.Readings]) -> None:
        """Take the state of a snapshot. record: gives the stored readings from an event time on (Unix ms), in order of
        arrival, up to where the snapshot was taken. Raises SnapshotMismatch when series or slots have changed since, or
        the record does not bear the snapshot out; the kernel is then of no more use."""
        data = states.read(taken)
        if data["about"]["for"] != self.fingerprint:
            raise states.SnapshotMismatch("series or slots changed")
        self.book = states.put(self.book, data, record(states.since(data)), self.horizon)
        self.cases.load(data["about"]["cases"])

    @cached_property
    def fingerprint(self) -> str:
        """What a snapshot belongs to: the series, the slots, the horizon and the format."""
        text = repr((FORMAT, self.horizon, [astuple(s) for s in self.series], [astuple(s) for s in self.slots],
                     [astuple(c) for c in self.combinations]))  # fmt: skip
        return hashlib.sha256(text.encode()).hexdigest()


_Feature = tuple[int, tuple[int, int, int]]


def _features(series: Sequence[SeriesSpec], slots: Sequence[SlotSpec]) -> list[_Feature]:
    """(series, feature) in the order in which they stand in F: value and silence of all, then what else is asked of
    each, a screen for spikes first."""
    plain = [(s, (kind, 0, 0)) for s in range(len(series)) for kind in (VALUE, SILENCE)]
    others = {(spec.series, spec.feature()) for spec in slots}
    others |= {(s, (SCREEN, 0, 0)) for s, spec in enumerate(series) if spec.spike}
    return plain + sorted(others - set(plain))


def _new_book(
    series: Sequence[SeriesSpec], features: Sequence[_Feature], slots: Sequence[SlotSpec], horizon: int
) -> layout.Book:
    """slots: in the order in which they stand in Z."""
    count = len(series)
    row_of = {feature: f for f, feature in enumerate(features)}
    F, G, Z = layout.rows(len(features) + 1, 4), layout.rows(len(features) + 1, 4), layout.rows(len(slots))
    for f, (_s, (kind, span, extra)) in enumerate(features):
        F[f] = (kind, {SCREEN: VOID, RISE: FAR}.get(kind, 0), FAR, -FAR)
        G[f] = (span, extra, 0 if kind == SUM else -1, 0)
    window = np.zeros(count, np.int64)
    counts = np.zeros(len(features) + 1, np.int64)
    for k, slot in enumerate(slots):
        sign = -1 if slot.below else 1
        kind, span, extra = slot.feature()
        hold = slot.span_ms if kind in (VALUE, SILENCE) else slot.hold_ms
        Z[k] = (slot.raise_at * sign, slot.clear_at * sign, hold, sign, slot.from_ms, slot.to_ms, 0, -1)
        counts[row_of[slot.series, slot.feature()] + 1] += 1
        reach = {SUM: span, RISE: span + extra, AHEAD: 2 * span}.get(kind, 0)
        window[slot.series] = max(window[slot.series], reach)
    G[:, layout.FIRST] = np.cumsum(counts)
    hot = [s for s, _key in features[2 * count :]]
    feature = (2 * count + np.searchsorted(hot, np.arange(count + 1))).astype(np.int64)
    H, other = layout.rows(count), layout.rows(count)
    screened = {s for s, (kind, _span, _extra) in features if kind == SCREEN}
    odd = [bool(spec.counter) or s in screened for s, spec in enumerate(series)]
    every = np.array([spec.every_ms for spec in series], np.int64)
    expected = np.where(every > 0, (horizon + horizon // 4 + window) // np.maximum(every, 1), 0)
    ring, bits, size = layout.rings(np.minimum(expected, _MOST_AT_FIRST))
    H[:, layout.LAST], H[:, layout.HEAD] = -FAR, -1
    H[:, layout.CARE] = 16 + np.arange(count) * 7 % ((1 << bits) * 3 // 64 + 16)
    H[:, layout.RING] = ring | np.where(np.array(odd, bool), layout.ODD, 0)
    H[:, layout.GAP], H[:, layout.NEXT] = FAR, -FAR
    H[:, layout.LOW], H[:, layout.HIGH] = FAR, -FAR
    for s, spec in enumerate(series):
        spike = spec.spike or (FAR - 1 if s in screened else FAR)
        other[s] = (int(spec.counter), spec.modulus, spec.most, spike, window[s], 0, (1 << bits[s]) * 3 // 64, 0)
    return layout.Book(
        R=layout.rows(size, 2), A=layout.rows(size, 2), H=H, I=other, feature=feature, F=F, G=G, Z=Z,
        CP=np.full((count, GENERATIONS), -1, np.int64),
        CF=np.repeat(np.column_stack([F[:, layout.TOTAL], G[:, layout.TAIL]])[:, None], GENERATIONS, 1).copy(),
        CZ=np.repeat(Z[:, None, layout.ON : layout.SINCE + 1], GENERATIONS, 1).copy(),
        clock=np.zeros(1, np.int64), stale=np.zeros(1, np.int64),
        used=np.array([size], np.int64), due=np.full(1, -FAR, np.int64),
    )  # fmt: skip


def _column(given: npt.ArrayLike) -> Ints:
    """As the compiled loops take it; `np.require` alone costs more than judging a dozen readings."""
    if isinstance(given, np.ndarray) and given.dtype == np.int64 and given.flags.c_contiguous and given.flags.writeable:
        return given
    return np.require(given, np.int64, ["C", "W"])
