"""Who I am, and posts with who answers for them now, over HTTP. Names and phones are masked."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query, Schema
from pydantic import Field

from anlan.base.places.queries import area_names, full_name
from anlan.ui.api import REFUSALS, ListQuery, Paged, Problem, StrictRouter, listed
from anlan.ui.requests import ActorRequest

from .models import Person, Post
from .queries import answering, search_posts, visible_posts
from .roles import role_title

router = StrictRouter()


class Me(Schema):
    """The account that asks."""

    name: str
    person_id: UUID | None
    roles: list[str]
    permissions: list[str]
    areas: list[str] = Field(description="code prefixes of the areas that are seen; an empty one = everything")
    mode: str = Field(description="real, drill or test")


class Holder(Schema):
    """A person of a post, masked."""

    id: UUID
    name: str
    phone: str = Field(description="masked: 138****21")


class PostOut(Schema):
    """A post and who answers for it at this moment."""

    id: UUID
    code: str
    title: str
    role: str
    role_title: str
    area_code: str
    where: str
    answers: Holder | None = Field(description="on the roster now, else the holder; null = nobody")
    deputy: Holder | None
    superior: str = Field(description="title of the post above; empty = none")


class PostQuery(ListQuery):
    q: str = Field("", description="words in the post's title or its persons' names")
    role: str = ""
    area: str = Field("", description="code of an area; its whole subtree is meant")


@router.get("/me", response={200: Me, REFUSALS: Problem}, summary="The account that asks")
def me(request: ActorRequest) -> dict[str, Any]:
    """Roles, permissions and areas at this moment."""
    actor = request.actor
    return {
        "name": actor.name, "person_id": actor.person_id, "roles": sorted(actor.roles),
        "permissions": sorted(actor.permissions), "areas": list(actor.areas), "mode": actor.mode,
    }  # fmt: skip


@router.get("/posts", response={200: Paged[PostOut], REFUSALS: Problem}, summary="Posts and who answers now")
def posts(request: ActorRequest, query: Query[PostQuery]) -> Paged[PostOut]:
    """Needs people.read. Sorts: title, role, area."""
    request.actor.require("people.read")
    found: QuerySet[Post] = visible_posts(request.actor).select_related("superior")
    found = search_posts(found.prefetch_related("holdings__person", "shifts__person"), query.q)
    if query.role:
        found = found.filter(role=query.role)
    names = area_names()
    return listed(
        found.filter(area_code__startswith=query.area), query, lambda post: _out(post, names, request),
        sorts={"title": "title", "role": "role", "area": "area_code"}, order=["area_code", "code"],
    )  # fmt: skip


def _out(post: Post, names: dict[str, str], request: ActorRequest) -> PostOut:
    answers, deputy = answering(post, request.now)
    return PostOut(
        id=post.id, code=post.code, title=post.title, role=post.role, role_title=role_title(post.role),
        area_code=post.area_code, where=full_name(post.area_code, names), answers=_holder(answers),
        deputy=_holder(deputy), superior=post.superior.title if post.superior else "",
    )  # fmt: skip


def _holder(person: Person | None) -> Holder | None:
    return Holder(id=person.id, name=person.masked_name, phone=person.masked_phone) if person else None
