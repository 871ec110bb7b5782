"""The journal over HTTP: its lines, and how far sealing has come."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from anlan.ui.api import REFUSALS, ListQuery, Moment, Paged, Problem, StrictRouter, listed
from anlan.ui.requests import ActorRequest

from .models import Entry, Head
from .references import kind_words

router = StrictRouter()


class EntryOut(Schema):
    """One line: ids and numbers, never a name."""

    id: UUID
    offset: int | None = Field(description="place in the sealed chain, without gaps; null = not sealed yet")
    hash: str = Field(description="SHA-256 over the line and the hash before it, hex; empty = not sealed yet")
    kind: str
    words: str = Field(description="the kind, for people")
    subject: str = Field(description="what it is about: task:<id>")
    actor: str = Field(description="account:<number>, person:<id> or system:<name>")
    area: str
    place_id: UUID | None
    case_id: UUID | None = Field(description="incident whose timeline it belongs to")
    mode: str
    happened_at: datetime
    recorded_at: datetime
    data: dict[str, Any]


class HeadOut(Schema):
    """How far sealing has come."""

    offset: int
    hash: str
    sealed_at: datetime | None
    unsealed: int = Field(description="lines written and not sealed yet")


class EntryQuery(ListQuery):
    kind: str = Field("", description="tasks.assigned, or with a dot at the end all of a slice: tasks.")
    subject: str = Field("", description="beginning of the subject")
    actor: str = Field("", description="exactly: account:1")
    case: UUID | None = None
    area: str = Field("", description="code of an area; its whole subtree is meant")
    start: Moment | None = Field(None, alias="from", description="happened at or after")
    end: Moment | None = Field(None, alias="to", description="happened before")
    seal: Literal["sealed", "tail"] | None = None


@router.get("/journal", response={200: Paged[EntryOut], REFUSALS: Problem}, summary="Journal lines")
def journal(request: ActorRequest, query: Query[EntryQuery]) -> Paged[EntryOut]:
    """Needs journal.read. Sorts: time, kind, area, offset. First: the newest."""
    request.actor.require("journal.read")
    wanted = {
        "kind__startswith" if query.kind.endswith(".") else "kind": query.kind,
        "subject__startswith": query.subject,
        "actor": query.actor,
        "case_id": query.case,
        "area__startswith": query.area,
        "happened_at__gte": query.start,
        "happened_at__lt": query.end,
    }
    found = Entry.objects.visible_to(request.actor).filter(**{name: value for name, value in wanted.items() if value})
    if query.seal:
        found = found.filter(offset__isnull=query.seal == "tail")
    sorts = {"time": "happened_at", "kind": "kind", "area": "area", "offset": "offset"}
    return listed(found, query, _out, sorts=sorts, order=["-happened_at"])


@router.get("/journal/head", response={200: HeadOut, REFUSALS: Problem}, summary="How far sealing has come")
def head(request: ActorRequest) -> dict[str, Any]:
    """Needs journal.read."""
    request.actor.require("journal.read")
    found = Head.objects.first() or Head()
    unsealed = Entry.objects.visible_to(request.actor).unsealed().count()
    return {"offset": found.offset, "hash": found.hash, "sealed_at": found.sealed_at, "unsealed": unsealed}


def _out(one: Entry) -> EntryOut:
    return EntryOut(
        id=one.id, offset=one.offset, hash=one.hash, kind=one.kind, words=kind_words(one.kind), subject=one.subject,
        actor=one.actor, area=one.area, place_id=one.place_id, case_id=one.case_id, mode=one.mode,
        happened_at=one.happened_at, recorded_at=one.recorded_at, data=one.data,
    )  # fmt: skip
