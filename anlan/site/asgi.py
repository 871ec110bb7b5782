"""One port: `/events` is a native stream, `/ingest/` goes on to the gateway, the rest is Django behind a few threads.

Measured (docs/performance.md): more than a few threads cost throughput, and streams inside Django would hold them.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anlan.site.settings")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Its own types are narrower than the ASGI standard that granian speaks.
_pages: Any = WSGIMiddleware(cast("Any", get_wsgi_application()), workers=4)

from anlan.site.forward import forward  # noqa: E402  Django's registry must be ready first
from anlan.site.stream import stream  # noqa: E402


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/events":
        await stream(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/ingest/"):
        await forward(scope, receive, send)
    elif scope["type"] == "http":
        await _pages(scope, _as_coroutine(receive), send)


def _as_coroutine(receive: Receive) -> Receive:
    """granian's `receive` gives a future; a2wsgi schedules it from another thread, which takes a coroutine only."""

    async def run() -> MutableMapping[str, Any]:
        return await receive()

    return run
