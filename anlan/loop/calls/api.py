"""Campaigns and calls over HTTP: the call board with its gap list, and what officers steer. Phones are masked."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query, Schema
from pydantic import Field

from anlan.ui.api import REFUSALS, Body, ListQuery, Paged, Problem, StrictRouter, listed
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from . import steering
from .models import Call, Campaign
from .queries import Board, Row, board, call, campaign, visible_campaigns
from .rules import STAGE_WORDS, Kind, Stage

router = StrictRouter()


class CampaignOut(Schema):
    """Persons to be woken for one incident at one level."""

    id: UUID
    number: str
    title: str
    hazard: str
    area_code: str
    level: int = Field(description="1 blue, 2 yellow, 3 orange, 4 red")
    incident: str = Field(description="number; empty = of no incident")
    opened_at: datetime
    closed_at: datetime | None
    end: str = Field(description="superseded, cancelled or lifted; empty = still running")


class SegmentOut(Schema):
    state: str = Field(description="go, pass, fail, or empty = not begun")
    title: str
    detail: str


class RowOut(Schema):
    """One person of the board."""

    call: UUID
    posts: str
    name: str = Field(description="masked")
    phone: str = Field(description="masked: 138****21")
    where: str
    people_at_risk: int = Field(description="persons")
    households: int
    stage: Stage
    stage_word: str
    woken: bool
    due_at: datetime | None = Field(description="when the next step is owed")
    chain: list[SegmentOut] = Field(description="the person, the deputy, the superior, the door")
    reason: str
    action: str = Field(description="the act that is next on the board: escalate, door, redial, or empty")


class TownOut(Schema):
    code: str
    name: str
    woken: int
    targets: int
    gap: int


class BoardOut(Schema):
    """The call board: every figure with its denominator."""

    campaign: CampaignOut
    elapsed_s: float = Field(description="seconds since opening")
    first_dial_s: float | None = Field(description="seconds from opening to the first dial; null = none yet")
    targets: int = Field(description="persons to be woken")
    woken: int
    woken_in_time: int = Field(description="woken before the time limit")
    woken_self: int = Field(description="woken by telephone")
    woken_door: int = Field(description="woken in person")
    people_gap: int = Field(description="people at risk under persons not woken; one place counts once")
    people_total: int
    gap: list[RowOut] = Field(description="not woken, most people at risk first")
    woken_rows: list[RowOut]
    towns: list[TownOut]
    curve: list[tuple[float, int]] = Field(description="seconds since opening, woken so far")
    text: str = Field(description="what is read out")
    text_s: float = Field(description="seconds that it lasts")


class CallOut(Schema):
    """One call after an act."""

    id: UUID
    campaign: str = Field(description="number")
    kind: Kind
    posts: list[str]
    name: str = Field(description="masked")
    phone: str = Field(description="masked")
    stage: Stage
    stage_word: str
    people_at_risk: int
    opened_at: datetime
    t_wake_at: datetime = Field(description="by when the person must be awake before others are called")
    ended_at: datetime | None
    reason: str
    door_task: UUID | None


class CampaignQuery(ListQuery):
    open: bool | None = None
    incident: str = Field("", description="number")
    level: int | None = Field(None, ge=1, le=4)


class BoardQuery(Schema):
    view: Literal["gap", "woken", "all"] = Field("all", description="which rows are wanted")


class Reason(Body):
    reason: str = Field("", max_length=240, description="why, or how one knows; must not be empty")


@router.get("/campaigns", response={200: Paged[CampaignOut], REFUSALS: Problem}, summary="Campaigns")
def campaigns(request: ActorRequest, query: Query[CampaignQuery]) -> Paged[CampaignOut]:
    """Needs calls.read. Sorts: level, opened, closed. First: the highest level, then the newest."""
    found: QuerySet[Campaign] = visible_campaigns(request.actor)
    if query.open is not None:
        found = found.filter(closed_at__isnull=query.open)
    if query.incident:
        found = found.filter(incident__number=query.incident)
    if query.level:
        found = found.filter(level=query.level)
    sorts = {"level": "level", "opened": "opened_at", "closed": "closed_at"}
    return listed(found, query, _campaign, sorts=sorts, order=["-level", "-opened_at"])


@router.get("/campaigns/{number}", response={200: BoardOut, REFUSALS: Problem}, summary="The call board")
def call_board(request: ActorRequest, number: str, query: Query[BoardQuery]) -> BoardOut:
    """Within what the account sees. Needs calls.read."""
    shown = board(request.actor, campaign(request.actor, number), request.now)
    return _board(shown, query.view)


@router.post("/campaigns/{number}/cancel", response={200: CampaignOut, REFUSALS: Problem}, summary="Stop calling")
def cancel(request: ActorRequest, number: str, body: Reason) -> CampaignOut:
    """Stop a campaign, with the reason."""
    found = campaign(request.actor, number)
    return _campaign(steering.cancel_campaign(request.actor, found, reason=body.reason, now=request.now))


@router.post("/calls/{uuid:call_id}/escalate", response={200: CallOut, REFUSALS: Problem}, summary="Escalate now")
def escalate(request: ActorRequest, call_id: UUID) -> CallOut:
    """Call deputy and superior at once; where they are called already, send to the door."""
    return _call(steering.escalate_now(request.actor, call(request.actor, str(call_id)), now=request.now))


@router.post("/calls/{uuid:call_id}/door", response={200: CallOut, REFUSALS: Problem}, summary="Send to the door")
def door(request: ActorRequest, call_id: UUID) -> CallOut:
    """Give somebody who is awake the task to knock."""
    return _call(steering.send_to_door(request.actor, call(request.actor, str(call_id)), now=request.now))


@router.post("/calls/{uuid:call_id}/redial", response={200: CallOut, REFUSALS: Problem}, summary="Ring once more")
def redial(request: ActorRequest, call_id: UUID) -> CallOut:
    """Now, beside the ladder."""
    return _call(steering.redial(request.actor, call(request.actor, str(call_id)), now=request.now))


@router.post("/calls/{uuid:call_id}/reached", response={200: CallOut, REFUSALS: Problem}, summary="Reached otherwise")
def reached(request: ActorRequest, call_id: UUID, body: Reason) -> CallOut:
    """The person is known to be awake by another way; says which."""
    found = call(request.actor, str(call_id))
    return _call(steering.mark_reached(request.actor, found, reason=body.reason, now=request.now))


@router.post(
    "/calls/{uuid:call_id}/unreachable", response={200: CallOut, REFUSALS: Problem}, summary="Cannot be reached"
)
def unreachable(request: ActorRequest, call_id: UUID, body: Reason) -> CallOut:
    """Nobody can reach this person; the reason stays beside the name."""
    found = call(request.actor, str(call_id))
    return _call(steering.mark_unreachable(request.actor, found, reason=body.reason, now=request.now))


def _campaign(one: Campaign) -> CampaignOut:
    return CampaignOut(
        id=one.id, number=one.number, title=one.title, hazard=one.hazard, area_code=one.area_code, level=one.level,
        incident=one.incident.number if one.incident else "", opened_at=one.opened_at, closed_at=one.closed_at,
        end=one.end,
    )  # fmt: skip


def _call(one: Call) -> CallOut:
    person = one.person
    return CallOut(
        id=one.id, campaign=one.campaign.number, kind=Kind(one.kind), posts=one.posts,
        name=person.masked_name if person else "", phone=person.masked_phone if person else "",
        stage=Stage(one.stage), stage_word=say(STAGE_WORDS[Stage(one.stage)]), people_at_risk=one.people_at_risk,
        opened_at=one.opened_at, t_wake_at=one.t_wake_at, ended_at=one.ended_at, reason=one.reason,
        door_task=one.door_task_id,
    )  # fmt: skip


def _row(row: Row) -> RowOut:
    return RowOut(
        call=row.call.id, posts=row.posts, name=row.name, phone=row.phone, where=row.where,
        people_at_risk=row.people_at_risk, households=row.households, stage=Stage(row.stage),
        stage_word=say(row.stage_word), woken=row.woken, due_at=row.due_at, reason=row.reason, action=row.action,
        chain=[SegmentOut(state=part.state, title=say(part.title), detail=say(part.detail)) for part in row.chain],
    )  # fmt: skip


def _board(shown: Board, view: str) -> BoardOut:
    return BoardOut(
        campaign=_campaign(shown.campaign), elapsed_s=shown.elapsed_s, first_dial_s=shown.first_dial_s,
        targets=shown.targets, woken=shown.woken, woken_in_time=shown.woken_in_time, woken_self=shown.woken_self,
        woken_door=shown.woken_door, people_gap=shown.people_gap, people_total=shown.people_total,
        gap=[_row(row) for row in shown.gap] if view != "woken" else [],
        woken_rows=[_row(row) for row in shown.woken_rows] if view != "gap" else [],
        towns=[TownOut(code=t.code, name=t.name, woken=t.woken, targets=t.targets, gap=t.gap) for t in shown.towns],
        curve=list(shown.curve), text=shown.text, text_s=shown.text_s,
    )  # fmt: skip
