"""Identifiers: UUIDv7, so that rows sort by birth and a phone can make them off line."""

import secrets
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0

# The counter starts low in each millisecond, so that a burst has room to count up in it.
_COUNTER_BITS, _SEED_BITS = 12, 8


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, a 12-bit counter (§6.2, method 1), 62 random bits.

    The identifiers of one process rise strictly, even within a millisecond and when the clock is set back: the
    journal is sealed in this order, so a line never stands before the one that caused it.
    """
    global _last
    stamp = (time.time_ns() // 1_000_000) << _COUNTER_BITS | secrets.randbits(_SEED_BITS)
    with _lock:
        _last = stamp = max(stamp, _last + 1)
    milliseconds, counter = stamp >> _COUNTER_BITS, stamp & ((1 << _COUNTER_BITS) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | counter << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))
