"""People in the navigation and the frame, and what accounts, persons and posts are called in the journal."""

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from anlan.base.journal.references import KIND_WORDS, RESOLVERS, Reference
from anlan.base.places.cards import PLACE_CARDS, PlaceCard
from anlan.kernel.actor import Actor
from anlan.ui.context import FRAME_FACTS
from anlan.ui.navigation import NAVIGATION, NavItem

from .models import Account, Person, Post


def _label(request: HttpRequest, actor: Actor, now: datetime) -> str:
    person = Person.objects.filter(id=actor.person_id).first() if actor.person_id else None
    return person.masked_name if person else request.user.get_username()


def _initial(request: HttpRequest, actor: Actor, now: datetime) -> str:
    return actor.name[:1]


def _title(request: HttpRequest, actor: Actor, now: datetime) -> str:
    return actor.name


def _accounts(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    found = Account.objects.filter(pk__in=[key for key in keys if key.isdigit()], mode=actor.mode)
    return {str(account.pk): Reference(account.title or account.username) for account in found}


def _persons(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    found = Person.objects.visible_to(actor).filter(id__in=keys)
    return {str(person.id): Reference(person.masked_name) for person in found}


def _posts(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    return {str(post.id): Reference(post.title) for post in Post.objects.visible_to(actor).filter(id__in=keys)}


def _systems(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    return {key: Reference(_("系统")) for key in keys}


NAVIGATION.add("people", NavItem("岗位人员", "people-list", "shield", "calm", 20, "people.read"))
PLACE_CARDS.add("people", PlaceCard("place-people", "people.read", side=True))
FRAME_FACTS.add("user_label", _label)
FRAME_FACTS.add("user_initial", _initial)
FRAME_FACTS.add("user_title", _title)
RESOLVERS.add("account", _accounts)
RESOLVERS.add("person", _persons)
RESOLVERS.add("post", _posts)
RESOLVERS.add("system", _systems)
for _kind, _words in {
    "people.persons_created": "登记人员",
    "people.posts_created": "设置岗位",
    "people.shift_set": "排班",
    "people.account_created": "开设账号",
    "people.logged_in": "登录",
    "people.login_refused": "登录被拒",
}.items():
    KIND_WORDS.add(_kind, _words)
