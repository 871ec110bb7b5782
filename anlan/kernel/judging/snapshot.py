"""The kernel's state as bytes, and back. Readings stand in the record already, so a snapshot holds what cannot be had
from there: where each series and slot stands. That is small, so taking one does not hold up the next batch.

Never: a snapshot that is believed unchecked; where the record and it disagree, SnapshotMismatch, and the caller
replays.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from anlan.kernel.judging import layout
from anlan.kernel.judging.core import addition, slab
from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.layout import FAR, FINE, LANES, VOID, Book, Ints

FORMAT = 3
_H = [layout.LAST, layout.HEAD, layout.GAP, layout.NEXT, layout.LOW, layout.HIGH]
_F = [layout.TOTAL, layout.FLOW, layout.FHIGH]
_Z = [layout.ON, layout.SINCE]
Readings = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]


class SnapshotMismatch(Exception):
    """The snapshot was taken under other series or slots, or the record does not bear it out; replay instead."""


def reach(horizon: int, book: Book) -> int:
    """How far before its newest reading a series that reports may still need one, ms: its oldest checkpoint is a little
    older than the horizon, and looks back over the longest window."""
    return 2 * horizon + int(book.I[:, layout.WINDOW].max(initial=0))


def take(book: Book, horizon: int, about: dict[str, Any]) -> bytes:
    """State as bytes. Series that have not reported for long carry their readings along; for the others `since` says
    from when on the record is needed."""
    first, last = _ends(book)
    since = max(int(last.max(initial=-FAR)) - reach(horizon, book), -FAR)
    aside = np.flatnonzero((book.H[:, layout.HEAD] >= 0) & (first < since))
    columns = {
        "H": book.H[:, _H], "OLDEST": book.I[:, layout.OLDEST], "FIRST": first,
        "F": book.F[:, _F], "TAIL": book.G[:, layout.TAIL], "Z": book.Z[:, _Z],
        "CP": book.CP, "CF": book.CF, "CZ": book.CZ,
        "aside": _readings(book, aside), "marks": _marks(book),
        "numbers": np.array([book.clock[0], book.stale[0], since]),
    }  # fmt: skip
    data: dict[str, Any] = {name: np.ascontiguousarray(column).tobytes() for name, column in columns.items()}
    return msgspec.msgpack.encode({"format": FORMAT, "about": about, **data})


def read(taken: bytes) -> dict[str, Any]:
    """The parts of a snapshot. Raises SnapshotMismatch for another format."""
    try:
        data: dict[str, Any] = msgspec.msgpack.decode(taken)
    except msgspec.DecodeError as error:
        raise SnapshotMismatch("not a snapshot") from error
    if data.get("format") != FORMAT:
        raise SnapshotMismatch(f"format {data.get('format')}; this program reads {FORMAT}")
    return data


def since(data: dict[str, Any]) -> int:
    """The event time from which on readings of the record are needed, Unix ms."""
    return int(np.frombuffer(data["numbers"], np.int64)[2])


def put(book: Book, data: dict[str, Any], record: Readings, horizon: int) -> Book:
    """The state of a snapshot over the readings of the record, which are given in order of arrival: positions of
    series, event times, values (VOID = withdrawn)."""
    count = len(book.H)
    state = np.frombuffer(data["H"], np.int64).reshape(count, len(_H))
    oldest = np.frombuffer(data["OLDEST"], np.int64)
    clock, stale, begin = np.frombuffer(data["numbers"], np.int64).tolist()
    head = state[:, 1]
    held = np.where(head >= 0, head + 1 - oldest, 0)
    book = _with_room(book, held)
    book.H[:, _H] = state
    book.I[:, layout.OLDEST] = oldest
    book.H[:, layout.CARE] = head + 2
    aside = np.frombuffer(data["aside"], np.int64).reshape(-1, 3)
    apart = np.zeros(count, bool)
    apart[aside[:, 0]] = True
    S, T, V = _last_words(record, begin, horizon, apart)
    S, T, V = (np.concatenate([column, aside[:, c]]) for c, column in enumerate((S, T, V)))
    order = np.lexsort((T, S))
    S, T, V = S[order], T[order], V[order]
    keep = state[S, 0] >= T
    S, T, V = S[keep], T[keep], V[keep]
    ends = np.searchsorted(S, np.arange(count), "right")
    if ((ends - np.searchsorted(S, np.arange(count), "left")) < held).any():
        raise SnapshotMismatch("the record holds fewer readings than were judged")
    wanted = np.repeat(ends - held, held) + _within(held)
    series, number = S[wanted], np.repeat(oldest, held) + _within(held)
    base, mask = book.H[series, layout.RING] >> 8, (1 << (book.H[series, layout.RING] & 63)) - 1
    book.R[base + ((number & mask) << LANES)] = np.column_stack([T[wanted], V[wanted]])
    if (np.stack(_ends(book)) != np.stack([np.frombuffer(data["FIRST"], np.int64), state[:, 0]])).any():
        raise SnapshotMismatch("the record holds other readings than were judged")
    book.F[:, _F] = np.frombuffer(data["F"], np.int64).reshape(-1, len(_F))
    book.G[:, layout.TAIL] = np.frombuffer(data["TAIL"], np.int64)
    book.Z[:, _Z] = np.frombuffer(data["Z"], np.int64).reshape(-1, len(_Z))
    for column, name in ((book.CP, "CP"), (book.CF, "CF"), (book.CZ, "CZ")):
        column[...] = np.frombuffer(data[name], np.int64).reshape(column.shape)
    refill(book, np.frombuffer(data["marks"], np.int64).reshape(-1, 3))
    book.clock[0], book.stale[0], book.due[0] = clock, stale, -FAR
    return book


def _ends(book: Book) -> tuple[Ints, Ints]:
    """Event times of the oldest and the newest kept reading of each series; −FAR = none."""
    base, mask = book.H[:, layout.RING] >> 8, (1 << (book.H[:, layout.RING] & 63)) - 1
    first = book.R[base + ((book.I[:, layout.OLDEST] & mask) << LANES), layout.TIME]
    return np.where(book.H[:, layout.HEAD] >= 0, first, -FAR), book.H[:, layout.LAST].copy()


def _readings(book: Book, series: Ints) -> Ints:
    """Readings of some series: position, event time, value."""
    held = book.H[series, layout.HEAD] + 1 - book.I[series, layout.OLDEST]
    number = np.repeat(book.I[series, layout.OLDEST], held) + _within(held)
    of = np.repeat(series, held)
    base, mask = book.H[of, layout.RING] >> 8, (1 << (book.H[of, layout.RING] & 63)) - 1
    found: Ints = np.column_stack([of, book.R[base + ((number & mask) << LANES)]])
    return found


@jit
def _marked(b: Book, out: Ints) -> int:
    """Readings that the screen for spikes has marked: series, number, mark. Returns how many; only as many are written
    as there is room for."""
    n = 0
    for s in range(len(b.H)):
        if b.I[s, layout.SPIKE] < FAR:
            base, mask = slab(b.H[s, layout.RING])
            for p in range(b.I[s, layout.OLDEST], b.H[s, layout.HEAD] + 1):
                mark = b.A[base + ((p & mask) << LANES), layout.MARK]
                if mark != FINE:
                    if n < len(out):
                        out[n, 0], out[n, 1], out[n, 2] = s, p, mark
                    n += 1
    return n


def _marks(book: Book) -> Ints:
    out: Ints = np.zeros((256, 3), np.int64)
    count = _marked(book, out)
    if count > len(out):
        out = np.zeros((count, 3), np.int64)
        _marked(book, out)
    return out[:count]


def _last_words(record: Readings, begin: int, horizon: int, apart: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """What the kernel kept of the record: no reading behind the horizon of its time, of repeats the last, no withdrawn
    one; nothing of series that carry their own readings."""
    S, T, V = (np.ascontiguousarray(column, np.int64) for column in record)
    keep = in_time(S, T, horizon, np.full(len(apart), -FAR)) & (begin <= T) & ~apart[S]
    S, T, V = S[keep], T[keep], V[keep]
    order = np.lexsort((np.arange(len(S)), T, S))
    S, T, V = S[order], T[order], V[order]
    last = np.ones(len(S), bool)
    last[:-1] = (S[1:] != S[:-1]) | (T[1:] != T[:-1])
    last &= V != VOID
    return S[last], T[last], V[last]


def in_time(S: Ints, T: Ints, horizon: int, newest: Ints) -> npt.NDArray[np.bool_]:
    """By reading: whether it came within the horizon of the newest one of its series. newest: scratch, all −FAR."""
    return _in_time(S, T, horizon, newest, np.zeros(len(S), np.int64)).astype(bool)


@jit
def _in_time(S: Ints, T: Ints, horizon: int, newest: Ints, out: Ints) -> Ints:
    for a in range(len(S)):
        s, t = S[a], T[a]
        if t >= newest[s] - horizon:
            out[a] = 1
        if t > newest[s]:
            newest[s] = t
    return out


@jit
def refill(b: Book, marks: Ints) -> None:
    """What readings of odd series add, from the readings and the marks."""
    for m in range(len(marks)):
        base, mask = slab(b.H[marks[m, 0], layout.RING])
        b.A[base + ((marks[m, 1] & mask) << LANES), layout.MARK] = marks[m, 2]
    for s in range(len(b.H)):
        if b.H[s, layout.RING] & layout.ODD:
            base, mask = slab(b.H[s, layout.RING])
            for p in range(b.I[s, layout.OLDEST], b.H[s, layout.HEAD] + 1):
                row = base + ((p & mask) << LANES)
                if b.A[row, layout.MARK] != layout.APART:
                    b.A[row, layout.ADDS] = addition(b.R, b.A, b.I, s, base, mask, p)


def _with_room(book: Book, held: Ints) -> Book:
    """The same book with rings for so many readings."""
    ring, bits, size = layout.rings(held)
    book.H[:, layout.RING] = ring | (book.H[:, layout.RING] & layout.ODD)
    book.I[:, layout.EVERY] = (1 << bits) * 3 // 64
    book.used[0] = size
    return book._replace(R=layout.rows(size, 2), A=layout.rows(size, 2))


def _within(counts: Ints) -> Ints:
    """0, 1, … inside each run: for counts (2, 3): 0 1 0 1 2."""
    starts = np.cumsum(counts) - counts
    positions: Ints = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts, counts)
    return positions
