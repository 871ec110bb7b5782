"""Reads: who answers for a post now, whom to turn to next, and what an account may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from anlan.base.places.rules import ancestors
from anlan.kernel.actor import Actor
from anlan.kernel.modes import Mode

from .models import Account, Holding, Person, Post, PostQuerySet
from .roles import roles
from .rules import Term, who_answers


def visible_posts(actor: Actor) -> PostQuerySet:
    return Post.objects.visible_to(actor)


def search_posts(posts: QuerySet[Post], text: str) -> QuerySet[Post]:
    """Posts with each word in their title, or in the name or initials of somebody who holds them."""
    for word in text.lower().split():
        posts = posts.filter(Q(title__contains=word) | Q(holdings__person__search_text__contains=word))
    return posts.distinct()


def answers_for(post: Post, at: datetime) -> Person | None:
    """The person who answers for a post at a moment: on the roster, else its holder. None = nobody."""
    shifts = [Term(s.person_id, s.starts_at, s.ends_at) for s in post.shifts.all()]
    return _person(who_answers(shifts, _terms(post, Holding.HOLDER), at))


def deputy_for(post: Post, at: datetime) -> Person | None:
    """The deputy (B 角) at a moment."""
    return _person(who_answers((), _terms(post, Holding.DEPUTY), at))


def superior_of(post: Post) -> Post | None:
    return post.superior


def posts_for(area_code: str, roles: Iterable[str], mode: Mode | str) -> list[Post]:
    """Posts with one of the roles whose area is the given one or above it; nearest area first."""
    found = Post.objects.filter(role__in=list(roles), area_code__in=ancestors(area_code), mode=mode)
    return sorted(found.select_related("superior"), key=lambda post: (-len(post.area_code), post.code))


def posts_of(person_id: UUID, at: datetime) -> list[Post]:
    """Posts that a person holds, deputises or has a shift for at a moment."""
    terms = Holding.objects.filter(person_id=person_id, valid_from__lte=at).select_related("post")
    return [h.post for h in terms if h.valid_to is None or at < h.valid_to]


def actor_for(account: Account, now: datetime) -> Actor:
    """What an account may do and see at a moment: the union of its grants."""
    grants = [grant for grant in account.grants.all() if grant.holds(now) and grant.role in roles()]
    packs = [roles()[grant.role] for grant in grants]
    kinds: frozenset[str] | None = None
    if grants and all(grant.kinds is not None for grant in grants):
        kinds = frozenset(kind for grant in grants for kind in grant.kinds or ())
    return Actor(
        name=account.title or account.username,
        account_id=account.pk,
        person_id=account.person_id,
        roles=frozenset(pack.key for pack in packs),
        permissions=frozenset(permission for pack in packs for permission in pack.permissions),
        areas=tuple(sorted({grant.area_code for grant in grants})),
        kinds=kinds,
        sensitivity=max((pack.sensitivity for pack in packs), default=0),
        mode=Mode(account.mode),
    )


def home_of(actor: Actor) -> str:
    """Name of the page an actor starts on."""
    order = [pack for key, pack in roles().items() if key in actor.roles]
    return order[0].home if order else "login"


def _terms(post: Post, rank: int) -> Sequence[Term]:
    return [Term(h.person_id, h.valid_from, h.valid_to) for h in post.holdings.all() if h.rank == rank]


def _person(person_id: UUID | None) -> Person | None:
    return None if person_id is None else Person.objects.filter(id=person_id).first()


def answering(post: Post, at: datetime) -> tuple[Person | None, Person | None]:
    """Who answers and who deputises; costs no query where holdings and shifts were fetched with their persons."""
    persons = {held.person_id: held.person for held in post.holdings.all()}
    persons |= {shift.person_id: shift.person for shift in post.shifts.all()}
    shifts = [Term(s.person_id, s.starts_at, s.ends_at) for s in post.shifts.all()]
    first = who_answers(shifts, _terms(post, Holding.HOLDER), at)
    second = who_answers((), _terms(post, Holding.DEPUTY), at)
    return persons[first] if first else None, persons[second] if second else None


@dataclass(frozen=True)
class Responsible:
    """A post that answers for an area, and who does so at a moment. None = nobody, which is shown as unknown."""

    post: Post
    answers: Person | None
    deputy: Person | None


def responsible_for(actor: Actor, area_code: str, at: datetime) -> list[Responsible]:
    """Posts the actor sees whose area is the given one or above it, the nearest first, with who answers for each."""
    found = visible_posts(actor).filter(area_code__in=ancestors(area_code)).select_related("superior")
    posts = sorted(
        found.prefetch_related("holdings__person", "shifts__person"), key=lambda p: (-len(p.area_code), p.code)
    )
    return [Responsible(post, *answering(post, at)) for post in posts]
