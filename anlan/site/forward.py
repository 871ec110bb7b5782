"""The web port hands `/ingest/…` on to the gateway, so that a sender needs to know one address only.

Bodies pass through piece by piece; the gateway alone decodes and stores. For many readings a second its own port is the
shorter way. Never: an answer of its own but that the gateway is not there.
"""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any

import httpx
from django.conf import settings

Message = MutableMapping[str, Any]
KEPT = (b"authorization", b"content-type", b"content-length", b"content-encoding", b"idempotency-key")
BACK = ("retry-after", "www-authenticate", "allow", "idempotency-replayed")


@cache
def _client() -> tuple[httpx.AsyncClient, str]:
    conf = settings.CONFIG
    verify: ssl.SSLContext | bool = True
    if conf.ingest_cert is not None:
        verify = ssl.create_default_context(cafile=str(conf.ingest_cert))
        verify.check_hostname = False  # our own process, by its address
    host = "127.0.0.1" if conf.ingest_host in ("0.0.0.0", "::") else conf.ingest_host  # noqa: S104
    scheme = "https" if conf.ingest_cert else "http"
    client = httpx.AsyncClient(timeout=30, verify=verify, trust_env=False)
    return client, f"{scheme}://{f'[{host}]' if ':' in host else host}:{conf.ingest_port}"


async def forward(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Hand one request on and its answer back."""
    client, base = _client()
    headers = [(name, value) for name, value in scope["headers"] if name.lower() in KEPT]

    async def body() -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise httpx.ReadError("the sender left")
            more = message.get("more_body", False)
            yield bytes(message.get("body", b""))

    try:
        answer = await client.request(scope["method"], base + scope["path"], content=body(), headers=headers)
    except httpx.HTTPError:
        problem = {"code": "ingest.gateway", "message": "the gateway is not there; nothing was stored"}
        await _answer(send, 503, [(b"retry-after", b"2")], json.dumps(problem).encode())
        return
    back = [(name.encode(), answer.headers[name].encode()) for name in BACK if name in answer.headers]
    await _answer(send, answer.status_code, back, answer.content)


async def _answer(
    send: Callable[[Message], Awaitable[None]], status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    headers = [(b"content-type", b"application/json"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
