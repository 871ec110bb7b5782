"""My work and a task's page: phone first, one hand, big targets."""

import base64
import binascii
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.kernel.errors import Invalid, NotFound
from anlan.ui.acts import done
from anlan.ui.requests import ActorRequest, page

from . import commands
from .models import Evidence
from .queries import my_tasks, task, visible_tasks
from .rules import EVIDENCE, OWED, State, missing

PNG_HEAD = b"\x89PNG"
SIGNATURE_HEAD = "data:image/png;base64,"


def _work(request: ActorRequest) -> dict[str, object]:
    mine = my_tasks(request.actor)
    owed = [state.value for state in OWED]
    return {
        "owed": mine.filter(state__in=owed),
        "waiting": mine.filter(state=State.SUBMITTED.value),
        "over": mine.exclude(state__in=[*owed, State.SUBMITTED.value]).order_by("-closed_at")[:20],
        "to_verify": visible_tasks(request.actor).filter(state=State.SUBMITTED.value)
        if request.actor.may("tasks.verify")
        else [],
    }


@page(None)
def my_work(request: ActorRequest) -> HttpResponse:
    """What I owe, most urgent first."""
    return render(request, "tasks/my_work.html", _work(request))


@page(None)
def my_work_part(request: ActorRequest) -> HttpResponse:
    return render(request, "tasks/my_work_part.html", _work(request))


@page(None)
def task_page(request: ActorRequest, task_id: UUID) -> HttpResponse:
    """One task: what is owed, by when, with which proof; and its acts."""
    found = task(request.actor, str(task_id))
    given = list(found.evidence.all())
    lacking = missing(found.required, [one.kind for one in given])
    own = request.actor.person_id is not None and request.actor.person_id == found.assignee_person_id
    context = {
        "task": found,
        "evidence": given,
        "lacking": [(kind, EVIDENCE[kind]) for kind in lacking],
        "asked": lacking,
        "spare": [kind for kind in EVIDENCE if kind not in lacking],
        "may_do": found.state in OWED and (own or request.actor.may("tasks.assign")),
        "may_verify": found.state == State.SUBMITTED and request.actor.may("tasks.verify") and not own,
        "may_cancel": found.closed_at is None and request.actor.may("tasks.assign"),
    }
    return render(request, "tasks/task.html", context)


@page(None, "POST")
def task_act(request: ActorRequest, task_id: str, act: str) -> HttpResponse:
    """Accept, submit, verify, send back or cancel."""
    found = task(request.actor, task_id)
    reason = request.POST.get("reason", "")
    if act == "send_back":
        commands.send_back(request.actor, found, reason=reason, now=request.now)
    elif act == "cancel":
        commands.cancel(request.actor, found, reason=reason, now=request.now)
    else:
        run = {"accept": commands.accept, "submit": commands.submit, "verify": commands.verify}[act]
        run(request.actor, found, now=request.now)
    words = {"accept": _("已接"), "submit": _("已提交，等待核验"), "verify": _("已办结"), "send_back": _("已退回"),
             "cancel": _("已撤销")}  # fmt: skip
    return done(request, reverse("task", args=[task_id]), words[act])


@page(None, "POST")
def add_evidence(request: ActorRequest, task_id: UUID) -> HttpResponse:
    """One proof from the form of its kind."""
    found = task(request.actor, str(task_id))
    kind = request.POST.get("kind", "")
    upload = request.FILES.get("file")
    file = upload.read() if upload else None
    if kind == "signature":
        file = _signature(request.POST.get("image", ""))
    number = request.POST.get("number", "").strip()
    if number and not number.lstrip("-").isdigit():
        raise Invalid("number", _("人数应为整数，得到“%(value)s”") % {"value": number[:20]})
    commands.add_evidence(
        request.actor, found, kind=kind, text=request.POST.get("text", ""), number=int(number) if number else None,
        file=file, now=request.now,
    )  # fmt: skip
    return done(request, reverse("task", args=[task_id]), _("凭证已存"))


def _signature(data: str) -> bytes:
    """The PNG that the canvas drew. Raises Invalid for anything else."""
    if not data.startswith(SIGNATURE_HEAD):
        raise Invalid("file", _("缺签名"))
    try:
        return base64.b64decode(data.removeprefix(SIGNATURE_HEAD), validate=True)
    except binascii.Error as error:
        raise Invalid("file", _("签名没有传完整，请重签")) from error


@page(None)
def evidence_file(request: ActorRequest, evidence_id: UUID) -> HttpResponse:
    """The file of one proof, for whoever sees its task."""
    found = Evidence.objects.filter(id=evidence_id, task__in=visible_tasks(request.actor)).first()
    if found is None or not found.file:
        raise NotFound("tasks.no_file", _("没有这个文件，或不在您的辖区内"))
    with found.file.open("rb") as file:
        data = file.read()
    return HttpResponse(data, content_type="image/png" if data.startswith(PNG_HEAD) else "image/jpeg")
