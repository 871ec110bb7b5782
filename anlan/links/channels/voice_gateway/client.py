"""The client of the voice gateway: typed, with time-outs, and honest about what may be tried again.

Never logs a number or a text, and never retries by itself: the caller owns the ladder and the idempotency key.
"""

import json
import time
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from anlan.kernel.channels import Accepted, ChannelError, Dial, Manifest, Page, Receipt
from anlan.links.channels.voice_gateway.signing import sign, verify
from anlan.links.channels.voice_gateway.wire import CallAnswer, ErrorBody, PageBody, call_body, parse_hook

Answer = TypeVar("Answer", bound=BaseModel)

TIMEOUT = httpx.Timeout(8.0, connect=3.0)
"""Seconds. A dial that has no answer within these is repeated under the same key, so it may be short."""

_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


class VoiceGateway:
    """One gateway. Safe to use from several threads."""

    def __init__(self, url: str, secret: str, manifest: Manifest, timeout: httpx.Timeout = TIMEOUT) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"voice gateway address: expected http(s)://…, got {url!r}")
        if not secret:
            raise ValueError("the voice gateway needs a shared secret")
        self.manifest = manifest
        self._base = url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._secret = secret
        # trust_env=False: a proxy variable of the machine must not carry numbers and texts elsewhere.
        self._http = httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def dial(self, dial: Dial) -> Accepted:
        """POST /v1/calls. Raises ChannelError."""
        answer = self._ask("POST", "/v1/calls", CallAnswer, call_body(dial), {"Idempotency-Key": dial.key})
        return Accepted(answer.id)

    def cancel(self, call: str) -> None:
        """DELETE /v1/calls/{id}. Raises ChannelError."""
        self._ask("DELETE", f"/v1/calls/{quote(call, safe='')}", CallAnswer)

    def of_call(self, call: str) -> tuple[Receipt, ...]:
        """GET /v1/calls/{id}. Raises ChannelError."""
        answer = self._ask("GET", f"/v1/calls/{quote(call, safe='')}", CallAnswer)
        return tuple(event.receipt() for event in answer.events)

    def receipts(self, after: str, limit: int = 200) -> Page:
        """GET /v1/receipts. Raises ChannelError."""
        query = urlencode({"after": after, "limit": limit})
        return self._ask("GET", f"/v1/receipts?{query}", PageBody).page()

    def read_hook(self, target: str, headers: Mapping[str, str], body: bytes, *, unix: float) -> tuple[Receipt, ...]:
        """Check and parse a posted receipt. Raises BadSignature or ChannelError."""
        verify(self._secret, "POST", target, headers, body, unix=unix)
        return parse_hook(body)

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        body: bytes = b"",
        extra: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = sign(self._secret, method, self._prefix + path, body, unix=time.time())
        headers["Content-Type"] = "application/json"
        headers.update(extra or {})
        try:
            response = self._http.request(method, self._base + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ChannelError("unreachable", type(error).__name__, retryable=True) from error
        if response.is_success:
            try:
                return answer.model_validate_json(response.content)
            except ValidationError as error:
                # The peer may well have taken the call: asking again with the same key is safe, giving up is not.
                raise ChannelError("bad_answer", str(error.errors()[0]["msg"]), retryable=True) from error
        raise _refusal(response)


def _refusal(response: httpx.Response) -> ChannelError:
    try:
        body = ErrorBody.model_validate(json.loads(response.content))
    except ValueError:
        body = ErrorBody(message=f"HTTP {response.status_code}")
    wait = response.headers.get("Retry-After", "")
    return ChannelError(
        body.code,
        body.message,
        retryable=response.status_code in _RETRYABLE,
        retry_after_s=float(wait) if wait.isdigit() else 0.0,
    )
