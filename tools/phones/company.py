"""The telephone company itself: takes calls, lets time pass, and lets a person at the page pick up by hand.

Time is an argument (Unix seconds of the site's clock). Every event carries the moment it was due, not the moment this
program looked, so a restart or a slow tick changes no figure.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tools.phones.sleepers import Planned, Sleeper, length_s, listening, plan, sleeper
from tools.phones.store import Call, Store

LATELY_S = 1800.0
KEY_WAIT_S = 20.0
_NUMBER = re.compile(r"^\+?[0-9]{3,15}$")


class Refusal(Exception):
    """An answer of the contract that is not a yes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Company:
    """All lines of the company."""

    store: Store
    seed: int

    def owner(self, number: str) -> Sleeper:
        """Who answers: as set on the page, else as the seed says."""
        override = self.store.override(number)
        return Sleeper(**json.loads(override)) if override else sleeper(self.seed, number)

    def accept(self, key: str, body: dict[str, Any], now: float) -> Call:
        """Take a call, or find the one this key already made. Raises Refusal."""
        if not 1 <= len(key) <= 80:
            raise Refusal(400, "bad_request", "Idempotency-Key: 1–80 characters")
        fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        for known in self.store.calls("key = ?", key):
            if known.fingerprint != fingerprint:
                raise Refusal(409, "key_reused", "this key was used with another body")
            return known
        call = self._new(key, fingerprint, _checked(body), now)
        with self.store.change():
            self.store.save(call)
        return call

    def _new(self, key: str, fingerprint: str, body: dict[str, Any], now: float) -> Call:
        number, of_s = body["number"], length_s(body["text"])
        nth = self.store.count_since(number, now - LATELY_S)
        engaged = bool(self.store.calls("number = ? AND state <> 'over'", number, limit=1))
        steps = plan(self.owner(number), nth, of_s=of_s, ring_s=body["ring_s"], confirm=body["confirm_keys"][0])
        if not _NUMBER.match(number):
            steps = [Planned(1.0, "completed", result="bad_number")]
        elif engaged:
            steps = [Planned(2.0, "completed", result="busy")]
        return Call(uuid4().hex, key, fingerprint, number, body, now, "ringing", steps, of_s, None, 0, False, "")

    def find(self, call_id: str) -> Call:
        """Raises Refusal 404."""
        for call in self.store.calls("id = ?", call_id):
            return call
        raise Refusal(404, "no_such_call", "no such call")

    def tick(self, now: float) -> int:
        """Let everything happen that is due. Returns how many events that made."""
        made = 0
        for call in self.store.calls("state <> 'over'"):
            due = [step for step in call.plan if call.accepted + step.after_s <= now]
            if not due:
                continue
            call.plan = call.plan[len(due) :]
            with self.store.change():
                for step in due:
                    self._emit(call, step)
                self.store.save(call)
            made += len(due)
        return made

    def _emit(self, call: Call, step: Planned) -> None:
        moment = call.accepted + step.after_s
        call.seq += 1
        if step.event == "answered":
            call.state, call.answered = "talking", moment
        if step.event == "completed":
            call.state, call.result, call.plan = "over", step.result, []
        body: dict[str, Any] = {
            "id": f"{call.id}-{call.seq}",
            "seq": call.seq,
            "call": call.id,
            "key": call.key,
            "event": step.event,
            "at": datetime.fromtimestamp(moment, UTC).isoformat(),
        }
        if step.event in ("played", "key", "hung_up", "completed"):
            body |= {"seconds": step.seconds, "of": call.of_s}
        if step.digit:
            body["digit"] = step.digit
        if step.result:
            body["result"] = step.result
        self.store.add_event(call.id, body, call.body["callback"])

    def _by_hand(self, call: Call, now: float, steps: list[Planned], rest: list[Planned]) -> None:
        """Do `steps` now and put `rest` in place of what the owner would have done."""
        call.by_hand, call.plan = True, rest
        with self.store.change():
            for step in steps:
                self._emit(call, step)
            self.store.save(call)

    def pick_up(self, call_id: str, now: float) -> None:
        """A person at the page answers: the text starts; without a key it ends as `heard`."""
        self.tick(now)
        call = self.find(call_id)
        if call.state != "ringing":
            raise Refusal(409, "not_ringing", "没有在响铃")
        up = max(now - call.accepted, 0.0)
        steps = [Planned(up, "answered")] if call.seq else [Planned(up, "ringing"), Planned(up, "answered")]
        end = up + call.of_s + KEY_WAIT_S
        rest = [*listening(up, call.of_s, call.of_s), Planned(end, "completed", call.of_s, result="heard")]
        self._by_hand(call, now, steps, rest)

    def _played(self, call: Call, now: float) -> float:
        return round(min(max(now - (call.answered or now), 0.0), call.of_s), 1)

    def press(self, call_id: str, digit: str, now: float) -> None:
        """A key. Only a confirm key after the end of the text completes the call."""
        self.tick(now)
        call = self.find(call_id)
        if call.state != "talking":
            raise Refusal(409, "not_talking", "没有在通话")
        if digit not in list("0123456789*#"):
            raise Refusal(400, "bad_request", "digit: 0–9, * or #")
        after, played = now - call.accepted, self._played(call, now)
        steps = [Planned(after, "key", played, digit=digit)]
        if played >= call.of_s and digit in call.body["confirm_keys"]:
            steps.append(Planned(after, "completed", played, result="heard_and_confirmed"))
        self._by_hand(call, now, steps, call.plan)

    def hang_up(self, call_id: str, now: float) -> None:
        """Refuses a ringing call; ends a talk, which counts as heard only when the text had played to its end."""
        self.tick(now)
        call = self.find(call_id)
        after, played = now - call.accepted, self._played(call, now)
        if call.state == "ringing":
            steps = [Planned(after, "completed", result="rejected")]
        elif call.state == "talking":
            result = "heard" if played >= call.of_s else "partial"
            steps = [Planned(after, "hung_up", played), Planned(after, "completed", played, result=result)]
        else:
            raise Refusal(409, "over", "通话已经结束")
        self._by_hand(call, now, steps, [])

    def cancel(self, call_id: str, now: float) -> Call:
        """DELETE of the contract; a call that is over stays as it is."""
        self.tick(now)
        call = self.find(call_id)
        if call.state != "over":
            step = Planned(now - call.accepted, "completed", self._played(call, now), result="cancelled")
            call.plan = []
            with self.store.change():
                self._emit(call, step)
                self.store.save(call)
        return call

    def set_owner(self, number: str, kind: str, rings: int, sleeps_through: int) -> None:
        """kind "" gives the number back to the seed. A manual phone that is ringing now stays ringing for a person."""
        with self.store.change():
            if not kind:
                self.store.set_override(number, None)
                return
            self.store.set_override(number, Sleeper(kind, rings, sleeps_through).dump())  # type: ignore[arg-type]
            if kind == "manual":
                for call in self.store.calls("number = ? AND state = 'ringing'", number):
                    kept = [step for step in call.plan if step.event == "ringing"]
                    call.plan = [*kept, Planned(2.0 + call.body["ring_s"], "completed", result="no_answer")]
                    self.store.save(call)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The fields this company needs. Raises Refusal 400."""
    keys, ring_s = body.get("confirm_keys"), body.get("ring_s")
    number, text, callback = body.get("number"), body.get("text"), body.get("callback")
    if not isinstance(number, str) or not number:
        raise Refusal(400, "bad_request", "number: expected a string")
    if not isinstance(text, str) or not 1 <= len(text) <= 500:
        raise Refusal(400, "bad_request", "text: 1–500 characters")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise Refusal(400, "bad_request", "confirm_keys: a list of digits")
    if not isinstance(ring_s, int) or not 5 <= ring_s <= 120:
        raise Refusal(400, "bad_request", "ring_s: 5–120")
    if not isinstance(callback, str) or (callback and not callback.startswith(("http://", "https://"))):
        raise Refusal(400, "bad_request", "callback: http(s) address or empty")
    level = body.get("level", 4)
    mode = body.get("mode", "real")
    return {
        "number": number,
        "text": text,
        "confirm_keys": keys,
        "ring_s": ring_s,
        "callback": callback,
        "level": level,
        "mode": mode,
    }
