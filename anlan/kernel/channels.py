"""What a channel to a person's ear is, whoever runs it: the words that `links.channels` speaks and `loop.calls` hears.

A channel asks a telephone company to ring a number and read a text, and brings back receipts. Never: what a receipt
means for a call (that is `loop.calls.rules`), and no number or text in a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Event(StrEnum):
    """What a channel reports while one attempt lasts."""

    RINGING = "ringing"
    ANSWERED = "answered"
    PLAYED = "played"
    KEY = "key"
    HUNG_UP = "hung_up"
    COMPLETED = "completed"


class Result(StrEnum):
    """How one attempt ended. Only `heard_and_confirmed` wakes anybody; see `loop.calls.rules`."""

    HEARD_AND_CONFIRMED = "heard_and_confirmed"
    HEARD = "heard"
    PARTIAL = "partial"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    BAD_NUMBER = "bad_number"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Manifest:
    """What a channel can do. A ladder that needs a key press refuses a channel that does not hear keys."""

    name: str
    title: str
    speaks: bool
    hears_keys: bool
    reports_progress: bool
    polls: bool
    cancels: bool


@dataclass(frozen=True)
class Dial:
    """One attempt to be made.

    key: idempotency key; the same key never rings twice. confirm_keys: digits that mean "heard and understood".
    ring_s: seconds it rings before it counts as not answered. callback: address that receipts are posted to.
    level: 1 blue … 4 red, for the queue of the telephone company.
    """

    key: str
    number: str
    text: str
    text_version: str
    callback: str
    confirm_keys: tuple[str, ...] = ("1",)
    ring_s: int = 30
    level: int = 4
    mode: str = "real"
    language: str = "zh-CN"


@dataclass(frozen=True)
class Accepted:
    """The channel took the attempt and will ring. `call`: its own name for it."""

    call: str


@dataclass(frozen=True)
class Receipt:
    """One event of one attempt. Idempotent by `id`; ordered within an attempt by `seq` (1, 2, 3 …).

    key: the idempotency key of the attempt. at: when it happened, aware. seconds: played so far; of: length of the
    text in seconds (both 0 where the channel does not report progress). digit: the key pressed.
    """

    id: str
    seq: int
    call: str
    key: str
    event: Event
    at: datetime
    seconds: float = 0.0
    of: float = 0.0
    digit: str = ""
    result: Result | None = None


@dataclass(frozen=True)
class Page:
    """Receipts after a cursor, oldest first; `next` is the cursor to ask with next time."""

    receipts: tuple[Receipt, ...]
    next: str


class ChannelError(Exception):
    """A channel could not do what it was asked.

    retryable: trying again with the same key may help. retry_after_s: no sooner than this, where the peer said so.
    """

    def __init__(self, code: str, message: str, *, retryable: bool, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class BadSignature(Exception):
    """A receipt that nobody with the shared secret sent, or that is older than the replay window."""


class Channel(Protocol):
    """A way to somebody's ear. Every method may be called again with the same arguments and changes nothing more."""

    @property
    def manifest(self) -> Manifest: ...

    def dial(self, dial: Dial) -> Accepted:
        """Ask for one attempt. Raises ChannelError."""

    def cancel(self, call: str) -> None:
        """Stop ringing or speaking. An attempt that is over stays as it is. Raises ChannelError."""

    def receipts(self, after: str, limit: int = 200) -> Page:
        """Receipts after cursor `after` ("" = from the first kept). Raises ChannelError."""

    def of_call(self, call: str) -> tuple[Receipt, ...]:
        """All receipts of one attempt so far. Raises ChannelError."""

    def read_hook(self, target: str, headers: Mapping[str, str], body: bytes, *, unix: float) -> tuple[Receipt, ...]:
        """Check and parse what the peer posted to `target` (path and query). unix: real time of the machine.

        Raises BadSignature or ChannelError.
        """
