"""The only writers of tasks and evidence."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile

from anlan.base.journal.commands import command, record
from anlan.base.journal.numbers import next_number
from anlan.base.people.models import Person, Post
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict, Invalid, NotPermitted
from anlan.kernel.ladders import TaskStep

from . import rules
from .models import Evidence, Task
from .packs import ladder_for
from .rules import State

PHOTO_LIMIT = 8 * 1024 * 1024
IMAGE_HEADS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


@command("tasks.assign", permission="tasks.assign")
def assign(
    actor: Actor,
    *,
    kind: str,
    title: str,
    text: str = "",
    post: Post | None,
    person: Person | None,
    area_code: str,
    place: Place | None = None,
    case_id: UUID | None = None,
    origin: str,
    due_at: datetime,
    required: Sequence[str] = (),
    people_at_risk: int = 0,
    now: datetime,
) -> Task:
    """Give a post a task with a deadline. Idempotent by `origin`: a second call returns the first task."""
    actor.require_area(area_code)
    unknown = set(required) - set(rules.EVIDENCE)
    if unknown:
        raise Invalid("required", f"没有这种凭证：{'、'.join(sorted(unknown))}")
    ladder = ladder_for(kind)
    first = rules.next_rung(ladder.steps, 0, due_at)
    task, made = Task.objects.get_or_create(
        origin=origin,
        defaults={
            "number": "",
            "kind": kind,
            "title": title,
            "text": text,
            "assignee_post": post,
            "assignee_person": person,
            "area_code": area_code,
            "place": place,
            "case_id": case_id,
            "people_at_risk": people_at_risk,
            "required": list(required),
            "ladder": [step.model_dump() for step in ladder.steps],
            "ladder_ref": ladder.ref,
            "deadline": due_at,
            "due_at": first.at if first else None,
            "assigned_at": now,
            "mode": actor.mode,
        },
    )
    if made:
        task.number = next_number("RW", now)
        task.save(update_fields=["number"])
        _record(actor, "tasks.assigned", task, now, {"kind": kind, "person": str(person.id) if person else None})
    return task


@command("tasks.accept", permission="tasks.do")
def accept(actor: Actor, task: Task, *, now: datetime) -> Task:
    """Say that one goes. Only the assignee (or whoever may assign) can."""
    _require_own(actor, task)
    _move(task, "accept", accepted_at=now)
    _record(actor, "tasks.accepted", task, now)
    return task


@command("tasks.add_evidence", permission="tasks.do")
def add_evidence(
    actor: Actor,
    task: Task,
    *,
    kind: str,
    text: str = "",
    number: int | None = None,
    file: bytes | None = None,
    true_at: datetime | None = None,
    evidence_id: UUID | None = None,
    now: datetime,
) -> Evidence:
    """Add a proof. `evidence_id` (made by the phone) makes a repeated upload harmless. Raises Invalid, Conflict."""
    _require_own(actor, task)
    rules.check_evidence(kind, text=text, number=number, has_file=bool(file))
    if evidence_id is not None and (known := Evidence.objects.filter(id=evidence_id, task=task).first()):
        return known
    # The row is held until the commit: what somebody hands in, or verifies, meanwhile comes before or after this.
    state = State(Task.objects.select_for_update().values_list("state", flat=True).get(pk=task.pk))
    if state not in rules.OWED:
        raise Conflict("tasks.state", f"任务现在是“{rules.WORDS[state]}”，不能再加凭证")
    evidence = Evidence(
        task=task, kind=kind, text=text, number=number, by=actor.label, true_at=true_at or now, added_at=now
    )
    if evidence_id is not None:
        evidence.id = evidence_id
    if file:
        evidence.sha256 = hashlib.sha256(file).hexdigest()
        evidence.file.save(f"{evidence.id}.{_image_type(file)}", ContentFile(file), save=False)
    evidence.save(force_insert=True)
    _record(actor, "tasks.evidence_added", task, now, {"evidence": str(evidence.id), "kind": kind})
    return evidence


@command("tasks.submit", permission="tasks.do")
def submit(actor: Actor, task: Task, *, now: datetime) -> Task:
    """Hand in for verification. Raises Conflict naming the evidence that is still missing."""
    _require_own(actor, task)
    lacking = rules.missing(task.required, task.evidence.values_list("kind", flat=True))
    if lacking:
        words = "、".join(rules.EVIDENCE[kind] for kind in lacking)
        raise Conflict("tasks.evidence_missing", f"还缺：{words}", "补齐后再提交")
    _move(task, "submit", submitted_at=now, due_at=None)
    _record(actor, "tasks.submitted", task, now, {"kind": task.kind})
    return task


@command("tasks.verify", permission="tasks.verify")
def verify(actor: Actor, task: Task, *, now: datetime) -> Task:
    """Confirm that it is done. Never by the one who did it."""
    actor.require_area(task.area_code)
    if actor.person_id is not None and actor.person_id == task.assignee_person_id:
        raise NotPermitted("tasks.own", "自己办的任务不能自己核验", "请由另一人核验")
    _move(task, "verify", closed_at=now)
    _record(actor, "tasks.verified", task, now, {"kind": task.kind})
    return task


@command("tasks.send_back", permission="tasks.verify")
def send_back(actor: Actor, task: Task, *, reason: str, now: datetime) -> Task:
    """Return for rework, with the reason."""
    actor.require_area(task.area_code)
    if not reason.strip():
        raise Invalid("reason", "退回要写明原因")
    first = rules.next_rung(_ladder(task), task.steps_taken, task.deadline)
    _move(task, "send_back", note=reason[:240], submitted_at=None, due_at=first.at if first else None)
    _record(actor, "tasks.returned", task, now)
    return task


@command("tasks.cancel", permission="tasks.assign")
def cancel(actor: Actor, task: Task, *, reason: str, now: datetime) -> Task:
    """Take back, with the reason: what is owed never shrinks without one."""
    actor.require_area(task.area_code)
    if not reason.strip():
        raise Invalid("reason", "撤销要写明原因")
    _move(task, "cancel", note=reason[:240], closed_at=now, due_at=None)
    _record(actor, "tasks.cancelled", task, now)
    return task


@command("tasks.climb")
def climb(actor: Actor, task: Task, *, now: datetime) -> Task:
    """Take the ladder step that is due: the journal says so, and calls dial. Then wait for the next one."""
    rung = rules.next_rung(_ladder(task), task.steps_taken, task.deadline)
    if rung is None or task.state not in rules.OWED or rung.at > now:
        return task
    following = rules.next_rung(_ladder(task), rung.index + 1, task.deadline)
    moved = Task.objects.filter(pk=task.pk, steps_taken=rung.index, state=task.state).update(
        steps_taken=rung.index + 1,
        due_at=following.at if following else None,
        lease_until=None,
    )
    if moved == 1:
        _record(actor, "tasks.step_due", task, now, {"step": rung.step.act, "to": rung.step.to, "index": rung.index})
    return task


def _ladder(task: Task) -> list[TaskStep]:
    return [TaskStep.model_validate(step) for step in task.ladder]


def _move(task: Task, act: str, **changes: object) -> None:
    """The conditional UPDATE that names the old state; whoever lost the race gets a Conflict."""
    old = task.state
    new = rules.step(act, old)
    if Task.objects.filter(pk=task.pk, state=old).update(state=new.value, **changes) != 1:
        raise Conflict("tasks.changed", "任务刚被别人改过", "请刷新后再看")
    task.refresh_from_db()


def _require_own(actor: Actor, task: Task) -> None:
    if actor.system or (actor.person_id is not None and actor.person_id == task.assignee_person_id):
        return
    if actor.may("tasks.assign") and actor.sees_area(task.area_code):
        return
    raise NotPermitted("tasks.not_yours", "这不是派给您的任务", "请由责任人或派出单位办理")


def _image_type(data: bytes) -> str:
    """File type by content, never by name. Raises Invalid for anything but JPEG and PNG of at most 8 MB."""
    if len(data) > PHOTO_LIMIT:
        raise Invalid("file", f"图片不能超过 8 MB，得到 {len(data) / 1e6:.1f} MB")
    for head, extension in IMAGE_HEADS.items():
        if data.startswith(head):
            return extension
    raise Invalid("file", "图片应为 JPEG 或 PNG")


def _record(actor: Actor, kind: str, task: Task, now: datetime, data: dict[str, object] | None = None) -> None:
    record(
        actor,
        kind,
        subject=f"task:{task.id}",
        now=now,
        area=task.area_code,
        place=task.place_id,
        case=task.case_id,
        data={"task": str(task.id), "origin": task.origin, **(data or {})},
    )
