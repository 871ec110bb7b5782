"""The API under /api/v1: what the pages do, as JSON, documented by OpenAPI. Slices bring their routers."""

from importlib import import_module
from importlib.util import find_spec

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import SessionAuth

from anlan.kernel.errors import Refused

ROUTERS = {
    "places": "anlan.base.places.api",
    "tasks": "anlan.base.tasks.api",
    "readings": "anlan.loop.sensing.api",
    "alarms": "anlan.loop.alarms.api",
    "calls": "anlan.loop.calls.api",
}

api = NinjaAPI(title="安澜 Anlan", version="1", urls_namespace="api", auth=SessionAuth(), docs_url=None)


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """Every refusal as problem+json (RFC 9457)."""
    response = api.create_response(
        request,
        {"type": f"anlan:{error.code}", "title": error.message, "detail": error.hint, "status": error.status},
        status=error.status,
    )
    response["Content-Type"] = "application/problem+json"
    return response


for _prefix, _module in ROUTERS.items():
    if find_spec(_module) is not None:
        api.add_router(f"/{_prefix}", import_module(_module).router)
