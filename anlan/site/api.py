"""The API under /api/v1: what the pages do, as JSON, documented by OpenAPI. Slices bring their routers."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.renderers import JSONRenderer
from ninja.security import SessionAuth

from anlan.kernel.errors import Refused
from anlan.ui.api import Problem
from anlan.ui.language import say

ROUTERS = {
    "anlan.base.people.api": "people",
    "anlan.base.places.api": "places",
    "anlan.base.tasks.api": "tasks",
    "anlan.base.journal.api": "journal",
    "anlan.loop.sensing.api": "readings",
    "anlan.loop.sensing.api_devices": "devices",
    "anlan.loop.alarms.api": "alarms",
    "anlan.loop.calls.api": "calls",
}
DESCRIPTION = """\
Everything that the pages show and do. An operation calls the same command as the page's button.

Log in as a person does (`POST /login`), then send the session's cookie; with every POST also the header `X-CSRFToken`
with the value of the cookie `csrftoken`. Each answer is limited to the account's areas; what lies outside is 404.
Identifiers are UUIDs; times are ISO 8601 with zone; names and telephone numbers are masked. A parameter that an
operation does not know is refused, never ignored. `Accept-Language: en` gives messages in English.
"""


class Readable(JSONRenderer):
    """Chinese as it is, not as \\u4e00."""

    json_dumps_params = {"ensure_ascii": False}


api = NinjaAPI(
    title="安澜 Anlan", version="1", description=DESCRIPTION,
    urls_namespace="api", auth=SessionAuth(),
    docs=Swagger({"validatorUrl": None}), docs_url="/docs", renderer=Readable(),
)  # fmt: skip


def _answer(request: HttpRequest, problem: Problem, status: int) -> HttpResponse:
    return api.create_response(request, problem.model_dump(), status=status)


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """A command or query said no."""
    field = str(getattr(error, "field", ""))
    problem = Problem(code=error.code, message=say(error.message), hint=say(error.hint), field=field)
    return _answer(request, problem, error.status)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A parameter or body field that does not fit its type: the first one, by name."""
    first: dict[str, Any] = error.errors[0]
    field = _field(first.get("loc", ()))
    problem = Problem(code=f"invalid.{field}", message=str(first.get("msg", "")), hint="", field=field)
    return _answer(request, problem, 422)


def _field(place: Iterable[object]) -> str:
    """ "body", "reason" → reason: the innermost name; a number there is a place in a list."""
    names = [part for part in place if isinstance(part, str)]
    return names[-1] if names else "body"


@api.exception_handler(AuthenticationError)
def unknown_caller(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """No session."""
    return _answer(request, Problem(code="not_logged_in", message=_("请先登录"), hint="POST /login"), 401)


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What the frame itself refuses: a missing CSRF token, a body that is not JSON."""
    if error.status_code == 403:
        problem = Problem(code="csrf", message=_("缺 CSRF 令牌，或令牌不对"), hint="X-CSRFToken")
    else:
        problem = Problem(code=f"http.{error.status_code}", message=error.message)
    return _answer(request, problem, error.status_code)


def unknown_operation(request: HttpRequest) -> HttpResponse:
    """Any other address under /api/v1: a program gets JSON, never a page."""
    hint = reverse("api:openapi-json")
    return _answer(request, Problem(code="not_found", message=_("没有这个接口"), hint=hint), 404)


for _module, _tag in ROUTERS.items():
    api.add_router("", import_module(_module).router, tags=[_tag])
