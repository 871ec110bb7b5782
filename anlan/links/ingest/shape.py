"""What every body is decoded into, what a time, a value and a name may be, and the tables of names already read.

Never: a device looked up, a clock, storage.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Name = tuple[str, str]
"""Address of a device ("" = the sender's own) and metric."""

SECONDS_BELOW = 100_000_000_000
"""A number under this is a time in Unix seconds, from this on in milliseconds: no time of our years is both."""
FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000 to 2100
METRIC = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
METRIC_MAX, ADDRESS_MAX = 40, 64


class BodyFault(Exception):
    """The body as a whole cannot be taken. field: which part; row: index of the reading, -1 = none; byte: where in the
    body, -1 = none."""

    def __init__(self, message: str, *, field: str = "", row: int = -1, byte: int = -1) -> None:
        super().__init__(message)
        self.message, self.field, self.row, self.byte = message, field, row, byte


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was left out."""

    row: int
    field: str
    why: str


@dataclass(slots=True)
class Body:
    """Readings in the order in which they stand. names: what `index` (int32) counts through; rows: each reading's
    position in the body, None = its own index; table: bytes that the names follow from, empty = nothing to remember."""

    names: list[Name]
    index: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    refused: list[Refusal] = field(default_factory=list)
    rows: npt.NDArray[np.int64] | None = None
    table: bytes = b""

    def __len__(self) -> int:
        return len(self.index)


class Tables:
    """Names by the bytes that they were written in: senders repeat their table with each body. The least used go."""

    def __init__(self, most_bytes: int = 32_000_000) -> None:
        self.most = most_bytes
        self.bytes = 0
        self.held: OrderedDict[bytes, list[Name]] = OrderedDict()

    def names(self, table: bytes, read: Callable[[], list[Name]]) -> list[Name]:
        """The names of a table; `read` is asked where it is new, and may raise."""
        found = self.held.get(table)
        if found is None:
            found = self.held[table] = read()
            self.bytes += len(table)
            while self.bytes > self.most and len(self.held) > 1:
                gone, _names = self.held.popitem(last=False)
                self.bytes -= len(gone)
        else:
            self.held.move_to_end(table)
        return found


def fault_of_metric(metric: str) -> str:
    """What is wrong with a metric's name, "" = nothing."""
    if len(metric) > METRIC_MAX:
        return f"longer than {METRIC_MAX} characters"
    return "" if METRIC.match(metric) else "a metric is lower case words with dots, like rain.accumulated"


def split_name(text: str, device: str = "") -> Name:
    """`metric` or `address/metric`. Raises ValueError that says what is wrong."""
    address, slash, metric = text.rpartition("/")
    if slash and not 0 < len(address) <= ADDRESS_MAX:
        raise ValueError("the address before / is empty or too long")
    wrong = fault_of_metric(metric)
    if wrong:
        raise ValueError(wrong)
    return (address if slash else device).upper(), metric


def in_ms(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Whole numbers as they were sent → Unix ms."""
    seconds = times < SECONDS_BELOW
    return np.where(seconds, times * 1000, times) if seconds.any() else times


def check_columns(times: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> None:
    """Raises BodyFault that names the first reading with a time or value that cannot be."""
    wrong = (times < FIRST_MS) | (times >= LAST_MS)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BodyFault(f"t[{row}]: {int(times[row])} ms is not between 2000 and 2100", field="t", row=row)
    endless = np.isinf(values)
    if endless.any():
        row = int(np.argmax(endless))
        raise BodyFault(f"v[{row}]: infinite", field="v", row=row)
