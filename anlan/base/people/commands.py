"""The only writers of persons, posts, holdings, shifts, accounts and grants."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from anlan.base.journal.commands import command, record
from anlan.base.places.rules import search_text
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Invalid

from .models import Account, Grant, Holding, Person, Post, RosterShift
from .roles import roles


@dataclass(frozen=True)
class NewPost:
    """A post with its holder and deputy as they begin. superior: code of a post that stands before it."""

    code: str
    title: str
    role: str
    area_code: str
    superior: str = ""
    holder: Person | None = None
    deputy: Person | None = None


@command("people.create_persons", permission="people.write")
def create_persons(
    actor: Actor, rows: Iterable[tuple[str, str]], *, synthetic: bool = False, now: datetime
) -> list[Person]:
    """Enter persons as (name, phone). Raises Invalid naming the row."""
    persons = []
    for number, (name, phone) in enumerate(rows, 1):
        if phone and not (phone.isdigit() and 7 <= len(phone) <= 15):
            raise Invalid("phone", f"第 {number} 行：电话应为 7 至 15 位数字，得到 {phone!r}")
        persons.append(
            Person(name=name, phone=phone, mode=actor.mode, synthetic=synthetic, search_text=search_text(name))
        )
    Person.objects.bulk_create(persons, batch_size=200)
    record(actor, "people.persons_created", subject="people:many", now=now, data={"count": len(persons)})
    return persons


@command("people.create_posts", permission="people.write")
def create_posts(actor: Actor, new: Iterable[NewPost], *, now: datetime) -> dict[str, Post]:
    """Set up posts in order, superiors first. Raises Invalid for a superior that is not there."""
    items = list(new)
    posts = {post.code: post for post in Post.objects.filter(mode=actor.mode)}
    created, holdings = [], []
    for item in items:
        if item.superior and item.superior not in posts:
            raise Invalid("superior", f"岗位 {item.code}：没有上级岗位 {item.superior}")
        post = Post(
            code=item.code,
            title=item.title,
            role=item.role,
            area_code=item.area_code,
            superior=posts.get(item.superior),
            mode=actor.mode,
        )
        posts[item.code] = post
        created.append(post)
        for rank, person in ((Holding.HOLDER, item.holder), (Holding.DEPUTY, item.deputy)):
            if person is not None:
                holdings.append(Holding(post=post, person=person, rank=rank, valid_from=now))
    Post.objects.bulk_create(created, batch_size=200)
    Holding.objects.bulk_create(holdings, batch_size=200)
    record(actor, "people.posts_created", subject="posts:many", now=now, data={"count": len(items)})
    return posts


@command("people.roster", permission="people.write")
def roster(
    actor: Actor, post: Post, person: Person, *, starts_at: datetime, ends_at: datetime, now: datetime
) -> RosterShift:
    """Put a person on shift for a post."""
    actor.require_area(post.area_code)
    if not starts_at < ends_at:
        raise Invalid("ends_at", "值班结束时间应晚于开始时间")
    shift = RosterShift.objects.create(post=post, person=person, starts_at=starts_at, ends_at=ends_at)
    record(
        actor,
        "people.shift_set",
        subject=f"post:{post.id}",
        now=now,
        area=post.area_code,
        data={"person": str(person.id)},
    )
    return shift


@command("people.create_account", permission="accounts.manage")
def create_account(
    actor: Actor,
    *,
    username: str,
    password: str,
    title: str,
    role: str,
    area_code: str,
    person: Person | None = None,
    now: datetime,
) -> Account:
    """Open an account with one role in one area. Raises Invalid naming the field."""
    if role not in roles():
        raise Invalid("role", f"没有这种角色：{role}", f"可用：{'、'.join(roles())}")
    if not username or Account.objects.filter(username=username).exists():
        raise Invalid("username", f"账号 {username!r} 为空或已被使用")
    try:
        validate_password(password)
    except ValidationError as error:
        raise Invalid("password", "；".join(error.messages)) from error
    account = Account.objects.create(
        username=username,
        title=title,
        person=person,
        password=make_password(password),
        mode=actor.mode,
        created_at=now,
    )
    Grant.objects.create(account=account, role=role, area_code=area_code, granted_by=actor.label, valid_from=now)
    record(
        actor, "people.account_created", subject=f"account:{account.pk}", now=now, area=area_code, data={"role": role}
    )
    return account


@command("people.record_login")
def record_login(actor: Actor, *, account_id: int | None, ok: bool, now: datetime) -> None:
    """Note a login or a refused one."""
    kind = "people.logged_in" if ok else "people.login_refused"
    record(actor, kind, subject=f"account:{account_id or 0}", now=now)
