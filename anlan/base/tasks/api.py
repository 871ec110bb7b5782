"""Tasks over HTTP: lists, one task with its evidence, and each act that its page offers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from ninja import File, Form, Query, Schema, UploadedFile
from ninja.responses import Status
from pydantic import Field

from anlan.ui.api import REFUSALS, Body, ListQuery, Paged, Problem, StrictRouter, listed
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest

from . import commands
from .models import Evidence, Task
from .queries import my_tasks, overdue, task, visible_tasks
from .rules import WORDS, State, missing

router = StrictRouter()


class TaskOut(Schema):
    """One thing owed."""

    id: UUID
    number: str
    kind: str
    title: str
    text: str
    state: State
    state_word: str
    post: str = Field(description="title of the post that owes it; empty = none")
    person: str = Field(description="masked name of who owes it; empty = nobody yet")
    area_code: str
    place: str = Field(description="code of its place; empty = none")
    case_id: UUID | None = Field(description="incident it belongs to")
    people_at_risk: int = Field(description="persons")
    required: list[str] = Field(description="kinds of evidence asked for: text, photo, count, signature")
    missing: list[str] = Field(description="kinds of evidence still owed")
    deadline: datetime
    assigned_at: datetime
    accepted_at: datetime | None
    submitted_at: datetime | None
    closed_at: datetime | None
    note: str = Field(description="reason of the last return or of the cancellation")


class EvidenceOut(Schema):
    """One proof."""

    id: UUID
    kind: str
    text: str
    number: int | None = Field(description="persons, for kind count")
    file: str = Field(description="address of the picture; empty = none")
    sha256: str = Field(description="of the file, hex")
    by: str = Field(description="account:<number> or person:<id>")
    true_at: datetime = Field(description="when it was made")
    added_at: datetime = Field(description="when it arrived")


class TaskDetail(TaskOut):
    evidence: list[EvidenceOut]


class TaskQuery(ListQuery):
    q: str = Field("", description="words in title or number")
    state: State | None = None
    kind: str = ""
    area: str = Field("", description="code of an area; its whole subtree is meant")
    case: UUID | None = Field(None, description="id of an incident")
    mine: bool = Field(False, description="only what the account's own person owes")
    overdue: bool = Field(False, description="only what is owed and past its deadline")


class Reason(Body):
    reason: str = Field("", max_length=240, description="why; must not be empty")


@router.get("/tasks", response={200: Paged[TaskOut], REFUSALS: Problem}, summary="Tasks")
def tasks(request: ActorRequest, query: Query[TaskQuery]) -> Paged[TaskOut]:
    """Own tasks; for whoever assigns or verifies, those of the areas. Sorts: deadline, people, assigned, number."""
    found: QuerySet[Task] = my_tasks(request.actor) if query.mine else visible_tasks(request.actor)
    if query.overdue:
        found = found.filter(pk__in=overdue(request.actor, request.now).values("pk"))
    for word in query.q.split():
        found = found.filter(title__contains=word) | found.filter(number__contains=word)
    for name, value in (("state", query.state), ("kind", query.kind), ("case_id", query.case)):
        if value:
            found = found.filter(**{name: value})
    found = found.filter(area_code__startswith=query.area).select_related("assignee_post", "assignee_person", "place")
    sorts = {"deadline": "deadline", "people": "people_at_risk", "assigned": "assigned_at", "number": "number"}
    rows = found.prefetch_related("evidence")
    return listed(rows, query, lambda one: TaskOut(**_facts(one)), sorts=sorts, order=["deadline"])


@router.get("/tasks/{uuid:task_id}", response={200: TaskDetail, REFUSALS: Problem}, summary="One task")
def task_detail(request: ActorRequest, task_id: UUID) -> TaskDetail:
    """With its evidence."""
    return _detail(task(request.actor, str(task_id)))


@router.post("/tasks/{uuid:task_id}/accept", response={200: TaskDetail, REFUSALS: Problem}, summary="Accept")
def accept(request: ActorRequest, task_id: UUID) -> TaskDetail:
    """Say that one goes."""
    return _detail(commands.accept(request.actor, task(request.actor, str(task_id)), now=request.now))


@router.post("/tasks/{uuid:task_id}/submit", response={200: TaskDetail, REFUSALS: Problem}, summary="Hand in")
def submit(request: ActorRequest, task_id: UUID) -> TaskDetail:
    """Hand in for verification; 409 names the evidence that is missing."""
    return _detail(commands.submit(request.actor, task(request.actor, str(task_id)), now=request.now))


@router.post("/tasks/{uuid:task_id}/verify", response={200: TaskDetail, REFUSALS: Problem}, summary="Verify")
def verify(request: ActorRequest, task_id: UUID) -> TaskDetail:
    """Confirm that it is done; never by the one who did it."""
    return _detail(commands.verify(request.actor, task(request.actor, str(task_id)), now=request.now))


@router.post("/tasks/{uuid:task_id}/send_back", response={200: TaskDetail, REFUSALS: Problem}, summary="Send back")
def send_back(request: ActorRequest, task_id: UUID, body: Reason) -> TaskDetail:
    """Return for rework, with the reason."""
    found = task(request.actor, str(task_id))
    return _detail(commands.send_back(request.actor, found, reason=body.reason, now=request.now))


@router.post("/tasks/{uuid:task_id}/cancel", response={200: TaskDetail, REFUSALS: Problem}, summary="Cancel")
def cancel(request: ActorRequest, task_id: UUID, body: Reason) -> TaskDetail:
    """Take back, with the reason."""
    found = task(request.actor, str(task_id))
    return _detail(commands.cancel(request.actor, found, reason=body.reason, now=request.now))


@router.post("/tasks/{uuid:task_id}/evidence", response={201: EvidenceOut, REFUSALS: Problem}, summary="Add a proof")
def add_evidence(
    request: ActorRequest,
    task_id: UUID,
    kind: Form[str],
    text: Form[str] = "",
    number: Form[int | None] = None,
    file: File[UploadedFile | None] = None,
) -> Status[EvidenceOut]:
    """multipart/form-data. text: a note; count: `number` of persons; photo, signature: `file`, JPEG, PNG ≤ 8 MB."""
    found = task(request.actor, str(task_id))
    made = commands.add_evidence(
        request.actor, found, kind=kind, text=text, number=number, file=file.read() if file else None, now=request.now
    )
    return Status(201, _proof(made))


def _facts(one: Task) -> dict[str, Any]:
    given = [proof.kind for proof in one.evidence.all()]
    return {
        "id": one.id, "number": one.number, "kind": one.kind, "title": one.title, "text": one.text,
        "state": State(one.state), "state_word": say(WORDS[State(one.state)]),
        "post": one.assignee_post.title if one.assignee_post else "",
        "person": one.assignee_person.masked_name if one.assignee_person else "",
        "area_code": one.area_code, "place": one.place.code if one.place else "", "case_id": one.case_id,
        "people_at_risk": one.people_at_risk, "required": one.required, "missing": missing(one.required, given),
        "deadline": one.deadline, "assigned_at": one.assigned_at, "accepted_at": one.accepted_at,
        "submitted_at": one.submitted_at, "closed_at": one.closed_at, "note": one.note,
    }  # fmt: skip


def _detail(one: Task) -> TaskDetail:
    return TaskDetail(**_facts(one), evidence=[_proof(proof) for proof in one.evidence.all()])


def _proof(one: Evidence) -> EvidenceOut:
    return EvidenceOut(
        id=one.id, kind=one.kind, text=one.text, number=one.number,
        file=reverse("evidence-file", args=[one.id]) if one.file else "", sha256=one.sha256, by=one.by,
        true_at=one.true_at, added_at=one.added_at,
    )  # fmt: skip
