"""Who answers now: holder, roster, deputy, superior; and who is told."""

from datetime import timedelta

import pytest

from anlan.base.people.commands import roster
from anlan.base.people.models import Holding, Person
from anlan.base.people.queries import (
    actor_for,
    answering,
    answers_for,
    deputy_for,
    posts_for,
    responsible_for,
    search_posts,
    superior_of,
    visible_posts,
)
from anlan.base.people.rules import Term, who_answers
from anlan.kernel.errors import Invalid, NotPermitted
from anlan.kernel.modes import Mode
from tests.cast import NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db, pytest.mark.both]
HEAD = "village:140427203204"
HOUR = timedelta(hours=1)


def test_the_roster_goes_before_the_holder_for_its_hours_only(cast: Cast) -> None:
    post, monitor = cast.posts[HEAD], cast.persons["monitor"]
    roster(SYSTEM, post, monitor, starts_at=NOW - HOUR, ends_at=NOW + HOUR, now=NOW)
    assert answers_for(post, NOW) == monitor
    assert answers_for(post, NOW - HOUR) == monitor  # the beginning belongs to the shift
    assert answers_for(post, NOW + HOUR) == cast.persons["head"]  # the end does not
    assert deputy_for(post, NOW) == cast.persons["head_deputy"]  # the deputy stays the deputy
    assert answering(post, NOW) == (monitor, cast.persons["head_deputy"])


def test_a_later_shift_that_overlaps_wins(cast: Cast) -> None:
    post = cast.posts[HEAD]
    roster(SYSTEM, post, cast.persons["monitor"], starts_at=NOW - 2 * HOUR, ends_at=NOW + HOUR, now=NOW)
    roster(SYSTEM, post, cast.persons["town"], starts_at=NOW - HOUR, ends_at=NOW + HOUR, now=NOW)
    assert answers_for(post, NOW) == cast.persons["town"]


def test_a_post_that_nobody_holds_any_more_says_so(cast: Cast) -> None:
    post = cast.posts[HEAD]
    Holding.objects.filter(post=post, rank=Holding.HOLDER).update(valid_to=NOW)
    assert answers_for(post, NOW) is None
    shown = {one.post.code: one for one in responsible_for(cast.actor("zhiban"), post.area_code, NOW)}
    assert shown[HEAD].answers is None
    assert shown[HEAD].deputy == cast.persons["head_deputy"]


def test_who_answers_of_several_terms() -> None:
    one, two, three = (Person().id for _ in range(3))
    old, new = Term(one, NOW - 2 * HOUR, None), Term(two, NOW - HOUR, None)
    assert who_answers((), (old, new), NOW) == two
    assert who_answers((Term(three, NOW, NOW + HOUR),), (old, new), NOW) == three
    assert who_answers((), (Term(one, NOW - HOUR, NOW),), NOW) is None
    assert who_answers((), (), NOW) is None


def test_superiors_and_posts_above_an_area(cast: Cast) -> None:
    assert superior_of(cast.posts[HEAD]) == cast.posts["town:140427203"]
    assert superior_of(cast.posts["leader:140427"]) is None
    found = posts_for("140427203204", ("town_officer", "village_head", "duty_officer"), Mode.DRILL)
    assert [post.code for post in found] == [HEAD, "town:140427203", "duty:140427"]
    assert posts_for("140427203204", ("town_officer",), Mode.REAL) == []


def test_those_responsible_are_the_nearest_first_and_inside_the_scope(cast: Cast) -> None:
    def codes(username: str, area: str) -> list[str]:
        return [one.post.code for one in responsible_for(cast.actor(username), area, NOW)]

    here = ["monitor:140427203204", HEAD, "chief:140427203", "town:140427203"]
    assert codes("zhiban", "140427203204") == [*here, "duty:140427", "leader:140427"]
    assert codes("shipo", "140427203204") == here  # the county's posts are not hers to see
    assert codes("dianshang", "140427203204") == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("监测", ["monitor:140427203204"]),
        ("王h6", [HEAD]),  # a holder's name
        ("wh", [HEAD]),  # initials of holder and deputy: the post once
        ("石坡 值班", ["town:140427203"]),
        ("没有", []),
    ],
)
def test_posts_are_found_by_title_and_by_who_holds_them(cast: Cast, text: str, codes: list[str]) -> None:
    found = search_posts(visible_posts(cast.actor("zhiban")), text).order_by("code")
    assert list(found.values_list("code", flat=True)) == codes


def test_persons_are_seen_where_they_hold_a_post(cast: Cast) -> None:
    seen = set(Person.objects.visible_to(cast.actor("dianshang")))
    assert seen == {cast.persons["dianshang"]}
    assert cast.persons["head"] in Person.objects.visible_to(cast.actor("shipo"))
    assert cast.persons["zhangzi"] not in Person.objects.visible_to(cast.actor("zhiban"))


def test_a_shift_is_refused_upside_down_or_elsewhere(cast: Cast) -> None:
    post, person = cast.posts[HEAD], cast.persons["monitor"]
    with pytest.raises(Invalid):
        roster(SYSTEM, post, person, starts_at=NOW, ends_at=NOW, now=NOW)
    with pytest.raises(NotPermitted):
        roster(cast.actor("shipo"), post, person, starts_at=NOW, ends_at=NOW + HOUR, now=NOW)
    assert answers_for(post, NOW) == cast.persons["head"]


def test_an_account_may_what_its_grants_say_for_as_long_as_they_hold(cast: Cast) -> None:
    account = cast.accounts["shipo"]
    actor = actor_for(account, NOW)
    assert actor.areas == ("140427203",)
    assert actor.may("calls.steer")
    assert not actor.may("journal.read")
    account.grants.update(valid_to=NOW)
    after = actor_for(account, NOW)
    assert (after.areas, after.permissions) == ((), frozenset())
