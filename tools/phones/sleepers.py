"""How people behave when their phone rings at night. Pure: a seed, a number and a count in; a plan out.

The shares are a proposal for a night (62 % wake at the first call, 85 % after three), not a measurement.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["awake", "asleep", "deep", "early", "busy", "bad", "manual"]

KINDS: dict[str, str] = {
    "awake": "醒着：响几声就接，听完按键",
    "asleep": "睡着：前几次听不见",
    "deep": "叫不醒：一直不接",
    "early": "先挂断：第一次没听完",
    "busy": "先占线：第一次打不进",
    "bad": "空号",
    "manual": "手动：由页面上的人接",
}
RING_EVERY_S = 5.0
PROGRESS_EVERY_S = 4.0
CHARACTERS_PER_S = 4.5
# Upper bounds of the shares, out of 100.
_SHARES: tuple[tuple[int, Kind], ...] = (
    (62, "awake"),
    (85, "asleep"),
    (93, "deep"),
    (96, "early"),
    (98, "busy"),
    (100, "bad"),
)


@dataclass(frozen=True)
class Sleeper:
    """One phone's owner. rings: heard before picking up; sleeps_through: calls not heard before one is."""

    kind: Kind
    rings: int = 2
    sleeps_through: int = 0

    def dump(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Planned:
    """One event to come. after_s: seconds from the moment the call was accepted."""

    after_s: float
    event: str
    seconds: float = 0.0
    digit: str = ""
    result: str = ""


def sleeper(seed: int, number: str) -> Sleeper:
    """Who owns the number: always the same answer for the same seed and number."""
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    share = digest[0] * 256 + digest[1]
    kind = next(kind for bound, kind in _SHARES if share < bound * 65536 / 100 or bound == 100)
    return Sleeper(kind, rings=1 + digest[2] % 4, sleeps_through=1 + digest[3] % 2 if kind == "asleep" else 0)


def length_s(text: str) -> float:
    """How long the text lasts when read aloud, in seconds."""
    return max(3.0, round(len(text) / CHARACTERS_PER_S, 1))


def listening(start_s: float, of_s: float, until_s: float) -> list[Planned]:
    """Progress of a text that starts at `start_s` and is listened to for `until_s` of its `of_s` seconds."""
    marks = []
    played = PROGRESS_EVERY_S
    while played < min(until_s, of_s):
        marks.append(Planned(start_s + played, "played", seconds=played))
        played += PROGRESS_EVERY_S
    if until_s >= of_s:
        marks.append(Planned(start_s + of_s, "played", seconds=of_s))
    return marks


def plan(who: Sleeper, nth: int, *, of_s: float, ring_s: float, confirm: str) -> list[Planned]:
    """Everything that will happen to the nth call (0, 1, …) to this number lately.

    A phone set to manual only rings: a person decides the rest.
    """
    if who.kind == "bad":
        return [Planned(1.0, "completed", result="bad_number")]
    if who.kind == "busy" and nth == 0:
        return [Planned(2.0, "completed", result="busy")]
    ringing = Planned(2.0, "ringing")
    unheard = [ringing, Planned(2.0 + ring_s, "completed", result="no_answer")]
    if who.kind in ("manual", "deep") or (who.kind == "asleep" and nth < who.sleeps_through):
        return unheard
    up = 2.0 + min(who.rings * RING_EVERY_S, max(ring_s - 1, 1))
    answered = Planned(up, "answered")
    if who.kind == "early" and nth == 0:
        heard = round(of_s * 0.6, 1)
        bye = [Planned(up + heard, "hung_up", heard), Planned(up + heard, "completed", heard, result="partial")]
        return [ringing, answered, *listening(up, of_s, heard), *bye]
    press = up + of_s + 2.0
    return [
        ringing,
        answered,
        *listening(up, of_s, of_s),
        Planned(press, "key", of_s, digit=confirm),
        Planned(press, "completed", of_s, result="heard_and_confirmed"),
    ]
