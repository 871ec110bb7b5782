"""Ladders and spoken texts as packs. A text is an approved template with few slots; nothing else is ever spoken."""

import hashlib
import string
from collections.abc import Mapping, Sequence
from functools import cache

from pydantic import Field, model_validator

from anlan.kernel.ladders import CallLadder, LevelName
from anlan.kernel.packs import Pack, PackError, load_family

CHARACTERS_PER_S = 4.5
REMINDER = "reminder"


def seconds_of(text: str) -> float:
    """How long a text lasts when read aloud, about."""
    return round(len(text) / CHARACTERS_PER_S, 1)


class MessagePack(Pack):
    """Texts by level, and for the deputy and the superior of somebody who was not reached.

    slots: how many characters each may fill at most. max_seconds: how long the longest may last.
    """

    hazards: tuple[str, ...] = ()
    confirm_keys: tuple[str, ...] = Field(min_length=1)
    texts: dict[LevelName, str]
    deputy: str
    superior: str
    slots: dict[str, int]
    max_seconds: float

    @model_validator(mode="after")
    def _short_enough(self) -> "MessagePack":
        for text in (*self.texts.values(), self.deputy, self.superior):
            used = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            if unknown := used - set(self.slots):
                raise ValueError(f"no such slot: {', '.join(sorted(unknown))}")
            longest = seconds_of(text.format(**{name: "字" * self.slots[name] for name in used}))
            if longest > self.max_seconds:
                raise ValueError(f"may last {longest} s, more than {self.max_seconds}: {text}")
        return self

    def say(self, text: str, values: Mapping[str, str]) -> str:
        """Fill a template; a value that is too long is cut at its slot's length."""
        cut = {name: _cut(values.get(name, ""), limit) for name, limit in self.slots.items()}
        return text.format(**cut)


def _cut(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"


def listing(names: Sequence[str], limit: int = 26) -> str:
    """Names as they are spoken: 青石崖村、寨后村等 5 处; as many as fit into `limit` characters."""
    distinct = list(dict.fromkeys(names))
    for shown in range(len(distinct), 0, -1):
        text = "、".join(distinct[:shown])
        if shown < len(distinct):
            text += f"等 {len(distinct)} 处"
        if len(text) <= limit:
            return text
    return f"{len(distinct)} 处" if distinct else "辖区"


def text_version(text: str) -> str:
    """The hash that a call carries: what exactly was said."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def ladders() -> dict[str, CallLadder]:
    return load_family("ladders", CallLadder)


@cache
def messages() -> dict[str, MessagePack]:
    return load_family("messages", MessagePack)


def ladder_for(hazard: str) -> CallLadder | None:
    """The ladder of a hazard; None: nobody is rung up for it."""
    return next((pack for pack in ladders().values() if hazard in pack.hazards), None)


def message_for(hazard: str) -> MessagePack:
    """The texts of a hazard. Raises PackError when a hazard with a ladder has none."""
    for pack in messages().values():
        if hazard in pack.hazards:
            return pack
    raise PackError(f"messages: no pack for hazard {hazard!r}")


def keys_of(hazard: str) -> tuple[str, ...]:
    """The digits that confirm a call for this hazard; an empty hazard is a task's reminder."""
    return (message_for(hazard) if hazard else reminder_message()).confirm_keys


def reminder_ladder() -> CallLadder:
    return ladders()["urn:anlan:ladders:call_reminder"]


def reminder_message() -> MessagePack:
    return messages()["urn:anlan:messages:reminder"]
