"""Each request carries its actor and the site's time, read once."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from anlan.kernel.actor import Actor
from anlan.ui.context import site_clock
from anlan.ui.requests import ActorRequest

from .models import Account
from .queries import actor_for

NOBODY = Actor(name="nobody")


class ActorMiddleware:
    """Sets `request.actor` and `request.now`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: ActorRequest) -> HttpResponse:
        request.now = site_clock().now()
        user = request.user
        request.actor = actor_for(user, request.now) if isinstance(user, Account) else NOBODY
        return self.get_response(request)
