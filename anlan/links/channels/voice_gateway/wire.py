"""The contract's messages as typed models. Unknown keys are kept out of our way but never refused: a peer may add."""

import math
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from anlan.kernel.channels import ChannelError, Dial, Event, Page, Receipt, Result

Seconds = Annotated[float, Field(ge=0, le=3600)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class CallBody(_Wire):
    """POST /v1/calls."""

    number: str
    text: str
    text_version: str
    language: str
    confirm_keys: list[str]
    ring_s: int
    callback: str
    level: int
    mode: str


class CallAnswer(_Wire):
    """202 to POST /v1/calls; 200 to GET /v1/calls/{id} carries `events` too."""

    id: str = Field(min_length=1, max_length=64)
    events: "tuple[EventBody, ...]" = ()


class EventBody(_Wire):
    """One event, in a hook, in a polled page or in a call's history."""

    id: str = Field(min_length=1, max_length=64)
    seq: int = Field(ge=1)
    call: str = Field(min_length=1, max_length=64)
    key: str = Field(min_length=1, max_length=80)
    event: Literal["ringing", "answered", "played", "key", "hung_up", "completed"]
    at: AwareDatetime
    seconds: Seconds = 0
    of: Seconds = 0
    digit: str = Field(default="", max_length=1, pattern=r"^[0-9*#]?$")
    result: Result | None = None

    @model_validator(mode="after")
    def _whole(self) -> "EventBody":
        if (self.event == "completed") != (self.result is not None):
            raise ValueError("`result` belongs to `completed`, and only to it")
        if self.event == "key" and not self.digit:
            raise ValueError("`key` needs a digit")
        if not (math.isfinite(self.seconds) and math.isfinite(self.of)):
            raise ValueError("seconds must be finite")
        return self

    def receipt(self) -> Receipt:
        at: datetime = self.at
        return Receipt(
            id=self.id,
            seq=self.seq,
            call=self.call,
            key=self.key,
            event=Event(self.event),
            at=at,
            seconds=self.seconds,
            of=self.of,
            digit=self.digit,
            result=self.result,
        )


class HookBody(_Wire):
    """POST <callback>."""

    events: tuple[EventBody, ...] = Field(min_length=1, max_length=500)


class PageBody(_Wire):
    """200 to GET /v1/receipts."""

    receipts: tuple[EventBody, ...]
    next: str = Field(max_length=64)

    def page(self) -> Page:
        return Page(tuple(event.receipt() for event in self.receipts), self.next)


class ErrorBody(_Wire):
    """Any refusal of the gateway."""

    code: str = "unknown"
    message: str = ""


def call_body(dial: Dial) -> bytes:
    """The request's bytes; the same dial always gives the same bytes, so a repeat is recognised."""
    body = CallBody(
        number=dial.number,
        text=dial.text,
        text_version=dial.text_version,
        language=dial.language,
        confirm_keys=list(dial.confirm_keys),
        ring_s=dial.ring_s,
        callback=dial.callback,
        level=dial.level,
        mode=dial.mode,
    )
    return body.model_dump_json().encode()


def parse_hook(body: bytes) -> tuple[Receipt, ...]:
    """Raises ChannelError (terminal) when the body is not the contract's."""
    try:
        return tuple(event.receipt() for event in HookBody.model_validate_json(body).events)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise ChannelError("bad_hook", f"{where}: {problem['msg']}", retryable=False) from error
