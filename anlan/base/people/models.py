"""Tables of persons, posts, who holds which from when to when, and accounts with their role grants."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from anlan.base.journal.scope import within
from anlan.kernel.actor import Actor
from anlan.kernel.ids import new_id
from anlan.kernel.modes import MODE_CHOICES
from anlan.kernel.privacy import mask_name, mask_phone


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, actor: Actor) -> PersonQuerySet:
        """Persons who hold a post in the actor's areas, and the actor itself."""
        visible = self.filter(mode=actor.mode)
        if actor.system or "" in actor.areas:
            return visible
        held = Holding.objects.filter(within(actor, "post__area_code")).values("person_id")
        return visible.filter(Q(id__in=held) | Q(id=actor.person_id))


class Person(models.Model):
    """Somebody who can be called. Shown masked; the journal knows only the id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=40)
    phone = models.CharField(max_length=20, blank=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)
    synthetic = models.BooleanField(default=False)
    search_text = models.CharField(max_length=120, blank=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = "人员"

    @property
    def masked_name(self) -> str:
        return mask_name(self.name)

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)


class PostQuerySet(models.QuerySet["Post"]):
    def visible_to(self, actor: Actor) -> PostQuerySet:
        return self.filter(within(actor), mode=actor.mode)


class Post(models.Model):
    """A post answers; persons come and go. `superior` is whom one turns to when it does not answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=60)
    title = models.CharField(max_length=60)
    role = models.CharField(max_length=40, db_index=True)
    area_code = models.CharField(max_length=12, db_index=True)
    superior = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="juniors")
    mode = models.CharField(max_length=8, choices=MODE_CHOICES)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = "岗位"
        constraints = [models.UniqueConstraint(fields=["mode", "code"], name="post_mode_code")]


class Holding(models.Model):
    """A person holds a post from–to. Rank 1 is the holder (A 角), 2 the deputy (B 角)."""

    HOLDER, DEPUTY = 1, 2

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="holdings")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="holdings")
    rank = models.PositiveSmallIntegerField(default=HOLDER)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["post", "rank", "valid_from"], name="holding_post_rank")]


class RosterShift(models.Model):
    """Who answers for a post at a moment, where that differs from its holder (24-hour duty)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="shifts")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["post", "starts_at"], name="shift_post_start")]


class AccountManager(BaseUserManager["Account"]):
    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(username=username)


class Account(AbstractBaseUser):
    """A login. What it may do comes from its grants; whom it stands for, from `person`."""

    username = models.CharField("账号", max_length=60, unique=True)
    title = models.CharField(max_length=60, blank=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="accounts")
    is_active = models.BooleanField(default=True)
    mode = models.CharField(max_length=8, choices=MODE_CHOICES, default="real")
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()

    class Meta:
        verbose_name = "账号"


class Grant(models.Model):
    """A role in an area, from–to. kinds: place kinds that the department supervises, null = all."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=40)
    area_code = models.CharField(max_length=12, blank=True)
    kinds = models.JSONField(null=True)
    granted_by = models.CharField(max_length=80)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    def holds(self, now: datetime) -> bool:
        return self.valid_from <= now and (self.valid_to is None or now < self.valid_to)
