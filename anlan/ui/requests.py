"""A request as pages see it, and the guard that stands before each page."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from anlan.kernel.actor import Actor

View = Callable[..., HttpResponse]


class ActorRequest(HttpRequest):
    """Carries who asks and the site's time, both set by the middleware."""

    actor: Actor
    now: datetime


def page(permission: str | None = None, *methods: str) -> Callable[[View], View]:
    """A page for logged-in accounts with `permission` (None: any account). Raises NotPermitted through `require`.

    methods: allowed ones; none named = GET and HEAD.
    """
    allowed = methods or ("GET", "HEAD")

    def wrap(view: View) -> View:
        @wraps(view)
        def run(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                wanted = request.get_full_path() if request.method == "GET" else "/"
                return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': wanted})}")
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            if permission is not None:
                request.actor.require(permission)
            return view(request, *args, **kwargs)

        return run

    return wrap
