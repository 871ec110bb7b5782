"""Addresses of the whole site: each slice brings its own; here they are only put together."""

from importlib.util import find_spec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, re_path, reverse
from django.views.i18n import set_language

from anlan.base.people.queries import home_of
from anlan.ui.requests import ActorRequest

from .api import api, unknown_operation

PAGES = (
    "anlan.ui",
    "anlan.base.journal",
    "anlan.base.places",
    "anlan.base.people",
    "anlan.base.tasks",
    "anlan.loop.sensing",
    "anlan.loop.alarms",
    "anlan.loop.calls",
    "anlan.desk",
    "anlan.site.demo",
)


def home(request: ActorRequest) -> HttpResponse:
    """Each role begins on its own page."""
    return redirect(reverse(home_of(request.actor)))


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive, for the supervisor and for proxies."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("language", set_language, name="set-language"),
    path("api/v1/", api.urls),
    re_path("^api/", unknown_operation),
    *[path("", include(f"{page}.urls")) for page in PAGES if find_spec(f"{page}.urls") is not None],
]
