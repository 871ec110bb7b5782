"""Devices over HTTP: admit, refuse, take out of use, describe, ask; the same commands as the pages' buttons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from anlan.base.places.queries import place
from anlan.ui.api import REFUSALS, Body, Problem, StrictRouter
from anlan.ui.requests import ActorRequest

from . import admission, asking
from .models import Device, Quarantine, StationCommand, Trouble
from .queries import devices
from .queries_devices import commands_of, device, stranger, troubles
from .wires import wire_of

router = StrictRouter()


class DeviceOut(Schema):
    id: UUID
    protocol: str
    address: str
    place: str = Field(description="code")
    admitted_at: datetime


ADMITTED = {200: DeviceOut, REFUSALS: Problem}


class NewDevice(Body):
    """A device for the allow-list."""

    protocol: str = Field(description="sl651, modbus")
    place: str = Field(description="code of its place")
    address: str = Field("", description="what it calls itself; of a polled device it follows from `form`")
    password: str = Field("", description="up to 8 hex digits that its frames must carry; empty = not checked")
    form: dict[str, str] = Field(
        default_factory=dict, description="of a polled device: host, port, slave, interval_s, timeout_s, points (lines)"
    )


class Admission(Body):
    """Where a station that calls belongs."""

    place: str = Field(description="code of its place")
    password: str = Field("", description="as for a new device")


class Reason(Body):
    reason: str = Field(description="why it is refused")


class Password(Body):
    password: str = Field(description="up to 8 hex digits; empty = not checked")


class Form(Body):
    form: dict[str, str] = Field(description="host, port, slave, interval_s, timeout_s, points (lines)")


class Ask(Body):
    """What is asked of a station."""

    what: str = Field(description="now, range, clock")
    hours: int = Field(24, ge=1, le=72, description="of `range`: so many whole hours back")
    element: str = Field("F4", description="of `range`: identifier of the element")


class Asked(Schema):
    """A request to a station and how it stands."""

    id: int
    what: str
    state: str = Field(description="queued, sent, answered, failed")
    reason: str = Field(description="why it failed: never_connected, no_answer; else empty")
    asked_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    tries: int
    answer: dict[str, Any] | None = Field(description="what the station said, decoded; null = nothing yet")


class Stranger(Schema):
    id: int
    address: str
    ignored_at: datetime | None
    ignored_reason: str


class TroubleOut(Schema):
    """Something wrong with a connection. count: frames, or turns of an address between two places."""

    kind: str = Field(description="flood, stranger, contested")
    protocol: str
    address: str
    peer: str
    other_peer: str
    first_at: datetime
    last_at: datetime
    count: int


def _out(found: Device) -> DeviceOut:
    return DeviceOut(
        id=found.id, protocol=found.protocol, address=found.address, place=found.place.code,
        admitted_at=found.admitted_at,
    )  # fmt: skip


@router.get("/devices", response={200: list[DeviceOut], REFUSALS: Problem}, summary="Admitted stations")
def admitted(request: ActorRequest) -> list[DeviceOut]:
    """Needs sensing.read."""
    request.actor.require("sensing.read")
    return [
        DeviceOut(id=one.id, protocol=one.protocol, address=one.address, place=one.place.code,
                  admitted_at=one.admitted_at)
        for one in devices(request.actor)
    ]  # fmt: skip


@router.post("/devices", response=ADMITTED, summary="Admit a device")
def new(request: ActorRequest, body: NewDevice) -> DeviceOut:
    """Needs sensing.admit. 409 where the address is taken."""
    request.actor.require("sensing.admit")
    form, address, config = wire_of(body.protocol).form, body.address, None
    if form is not None:
        address, config = form.read(body.form)
    found = admission.admit(
        request.actor, protocol=body.protocol, address=address, place=place(request.actor, body.place),
        password=body.password, config=config, now=request.now,
    )  # fmt: skip
    return _out(found)


@router.get("/devices/troubles", response={200: list[TroubleOut], REFUSALS: Problem}, summary="Connection troubles")
def wrong(request: ActorRequest) -> list[Trouble]:
    """Of the last seven days. Needs sensing.admit."""
    request.actor.require("sensing.admit")
    return troubles(request.actor, request.now)


@router.post("/devices/quarantine/{number}/admit", response=ADMITTED, summary="Admit a station that calls")
def admit(request: ActorRequest, number: int, body: Admission) -> DeviceOut:
    """Needs sensing.admit. 409 where the address is taken, or belonged to another place."""
    request.actor.require("sensing.admit")
    found = stranger(request.actor, number)
    made = admission.admit(
        request.actor, protocol=found.protocol, address=found.address, place=place(request.actor, body.place),
        password=body.password, now=request.now,
    )  # fmt: skip
    return _out(made)


@router.post("/devices/quarantine/{number}/ignore", response={200: Stranger, REFUSALS: Problem}, summary="Refuse it")
def ignore(request: ActorRequest, number: int, body: Reason) -> Quarantine:
    """It leaves the list to be dealt with and is counted on. Needs sensing.admit."""
    request.actor.require("sensing.admit")
    return admission.ignore(request.actor, stranger(request.actor, number), reason=body.reason, now=request.now)


@router.post("/devices/quarantine/{number}/notice", response={200: Stranger, REFUSALS: Problem}, summary="Take it back")
def notice(request: ActorRequest, number: int) -> Quarantine:
    """Take a refusal back. Needs sensing.admit."""
    request.actor.require("sensing.admit")
    return admission.notice(request.actor, stranger(request.actor, number), now=request.now)


@router.post("/devices/{device_id}/disable", response=ADMITTED, summary="Take out of use")
def disable(request: ActorRequest, device_id: UUID) -> DeviceOut:
    """From now on it is a stranger that calls; its data stays. Needs sensing.admit."""
    request.actor.require("sensing.admit")
    return _out(admission.disable(request.actor, device(request.actor, device_id), now=request.now))


@router.post("/devices/{device_id}/reinstate", response=ADMITTED, summary="Bring back")
def reinstate(request: ActorRequest, device_id: UUID) -> DeviceOut:
    """Needs sensing.admit. 409 where it is in use."""
    request.actor.require("sensing.admit")
    found = device(request.actor, device_id)
    made = admission.admit(
        request.actor, protocol=found.protocol, address=found.address, place=found.place, password=found.password,
        now=request.now,
    )  # fmt: skip
    return _out(made)


@router.post("/devices/{device_id}/password", response=ADMITTED, summary="Change the password")
def password(request: ActorRequest, device_id: UUID, body: Password) -> DeviceOut:
    """Needs sensing.admit."""
    request.actor.require("sensing.admit")
    found = device(request.actor, device_id)
    return _out(admission.set_password(request.actor, found, password=body.password, now=request.now))


@router.post("/devices/{device_id}/config", response=ADMITTED, summary="Describe a polled device")
def config(request: ActorRequest, device_id: UUID, body: Form) -> DeviceOut:
    """Interval, time-out and register map; host, port and slave number are its address and stay. Needs
    sensing.admit."""
    request.actor.require("sensing.admit")
    return _out(admission.describe(request.actor, device(request.actor, device_id), form=body.form, now=request.now))


@router.post("/devices/{device_id}/ask", response={200: Asked, REFUSALS: Problem}, summary="Ask a station")
def ask(request: ActorRequest, device_id: UUID, body: Ask) -> StationCommand:
    """Queued until the station is connected, for at most thirty minutes. Needs sensing.ask, for the clock sensing.admit
    too. 409 while the same request is open."""
    request.actor.require("sensing.ask")
    found = device(request.actor, device_id)
    details = asking.day_back(str(body.hours), body.element, request.now) if body.what == "range" else {}
    return asking.ask(request.actor, found, what=body.what, details=details, now=request.now)


@router.get("/devices/{device_id}/asked", response={200: list[Asked], REFUSALS: Problem}, summary="Requests, answers")
def asked(request: ActorRequest, device_id: UUID) -> list[StationCommand]:
    """The latest twenty, the newest first. Needs sensing.read."""
    request.actor.require("sensing.read")
    return commands_of(device(request.actor, device_id))
