"""A parcel: readings that come as columns, from a token holder, a broker or a person, ready for the hot path.

Never: a name looked up here; the pipeline turns names into numbers of series, and remembers them in the table.
"""

from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
import numpy.typing as npt

from .models import Receipt


@dataclass(slots=True)
class Table:
    """What the index of a parcel counts through: (device, metric). numbers: their series, once they were looked up."""

    names: list[tuple[UUID, str]]
    numbers: npt.NDArray[np.int32] | None = None


@dataclass(slots=True)
class Parcel:
    """Readings of one delivery, in order of arrival.

    index: int32, position in `table`; times: int64, Unix ms; values: float64, NaN = the device has none; quality: int8
    or None where it follows from value and time. source: hash of what was delivered. receipt: kept with the readings
    where the sender gave the delivery a key. repeated: filled by the pipeline, the receipt of an earlier delivery.
    """

    table: Table
    index: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    source: str
    quality: npt.NDArray[np.int8] | None = None
    receipt: Receipt | None = None
    repeated: Receipt | None = field(default=None)

    def __len__(self) -> int:
        return len(self.index)
