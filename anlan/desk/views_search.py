"""The box in the top bar: a number leads straight to its page, other words find places and posts in the scope."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from anlan.base.people.models import Post
from anlan.base.people.queries import answering, search_posts, visible_posts
from anlan.base.places.kinds import kinds
from anlan.base.places.queries import area_names, full_name, search_places, visible_places
from anlan.base.tasks.queries import visible_tasks
from anlan.kernel.actor import Actor
from anlan.loop.alarms.queries import visible_incidents
from anlan.loop.calls.queries import visible_campaigns
from anlan.ui.requests import ActorRequest, page

SHOWN = 20


@page()
def search(request: ActorRequest) -> HttpResponse:
    """`q`: name, code, town, initials, or the number of an incident, a campaign, a task or a place."""
    actor, text = request.actor, request.GET.get("q", "").strip()
    url = numbered(actor, text)
    if url:
        return redirect(url)
    names, titles = area_names(), {key: pack.title for key, pack in kinds().items()}
    places = search_places(visible_places(actor), text).order_by("-people_at_risk", "area_code", "code")
    places = places if text and actor.may("places.read") else places.none()
    posts: QuerySet[Post] = visible_posts(actor).none()
    if text and actor.may("people.read"):
        posts = search_posts(visible_posts(actor), text).order_by("area_code", "code")
    context = {
        "q": text,
        "places": [(one, titles.get(one.kind, one.kind), full_name(one.area_code, names)) for one in places[:SHOWN]],
        "place_total": places.count(),
        "posts": [
            (post, full_name(post.area_code, names), *answering(post, request.now))
            for post in posts.prefetch_related("holdings__person", "shifts__person")[:SHOWN]
        ],
        "post_total": posts.count(),
    }
    return render(request, "desk/search.html", context)


def numbered(actor: Actor, text: str) -> str:
    """The page of the thing that has this number, "" when there is none that the actor sees and may open."""
    number = text.upper()
    if not number:
        return ""
    if actor.may("alarms.read") and visible_incidents(actor).filter(number=number).exists():
        return reverse("incident", args=[number])
    if actor.may("calls.read") and visible_campaigns(actor).filter(number=number).exists():
        return reverse("call-board", args=[number])
    task = visible_tasks(actor).filter(number=number).first() if actor.may("tasks.do") else None
    if task is not None:
        return reverse("task", args=[task.id])
    place = visible_places(actor).filter(code__in={text, number}).first() if actor.may("places.read") else None
    return reverse("place", args=[place.code]) if place else ""
