"""`POST /ingest/v1/readings`: bodies that devices push over HTTP, answered after the commit (docs/ingest.md).

Served in the gateway's own process, on a port of its own; the web port hands requests on to it. Never: an answer 200
for what is not on disk.
"""

import asyncio
import hashlib
import json
import logging
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]
from granian.server.embed import Server

from anlan.links.ingest import PACKED_TYPE
from anlan.loop.sensing.models import Receipt
from anlan.site.config import Config

from .feed import Feed
from .holders import Bucket, Holder, Holders
from .taking import Problem, Taken, Taker

PATH = "/ingest/v1/readings"
TYPES = ("application/json", PACKED_TYPE, "application/octet-stream")
KEY_MAX = 128
BODY_S = 60.0
STRANGERS_PER_S = 0.5
"""Requests without a good token that one address may make a second, on average."""
log = logging.getLogger("anlan.gateway")


class Ingest:
    """The application. One per gateway process; lives in its event loop."""

    def __init__(self, feed: Feed, holders: Holders, conf: Config) -> None:
        self.feed, self.holders, self.conf = feed, holders, conf
        self.taker = Taker(feed, conf.ingest_series_max, conf.ingest_body_max)
        self.strangers: dict[str, Bucket] = {}

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """One request (RSGI)."""
        try:
            status, headers, body = await self._answer(scope, protocol)
        except Problem as problem:
            status, headers, body = problem.status, list(problem.headers), problem.body
        except (ProtocolError, ProtocolClosed):
            return  # the sender left
        except Exception:
            log.exception("a request of %s failed", scope.client)
            status, headers, body = 500, [], {"code": "ingest.failed", "message": "nothing was stored"}
        data = json.dumps(body, ensure_ascii=False).encode()
        protocol.response_bytes(status, [("content-type", "application/json"), *headers], data)

    async def _answer(self, scope: Any, protocol: Any) -> tuple[int, list[tuple[str, str]], dict[str, object]]:
        if scope.path != PATH:
            raise Problem(404, "not_found", f"only {PATH} is here")
        if scope.method != "POST":
            raise Problem(405, "method", "POST", headers=(("allow", "POST"),))
        holder = self._holder(scope)
        content_type = self._content_type(scope)
        self._room(holder)
        try:
            data = await asyncio.wait_for(self._read(scope, protocol), BODY_S)
        except TimeoutError as error:
            raise Problem(408, "slow", f"the body took longer than {BODY_S:g} s") from error
        taken = self.taker.take(holder, data, content_type)
        holder.readings.take(len(taken.parcel))
        if not len(taken.parcel):
            return 200, [], taken.answer()
        receipt = self._receipt(scope, holder, data, taken)
        return await self._store(taken, receipt)

    def _holder(self, scope: Any) -> Holder:
        """Who sends. Addresses that try token after token are slowed."""
        kind, _blank, token = (scope.headers.get("authorization") or "").partition(" ")
        holder = self.holders.find(token.strip()) if kind.lower() == "bearer" else None
        if holder is not None:
            return holder
        peer = str(scope.client).rsplit(":", 1)[0]
        if len(self.strangers) > 10_000:
            self.strangers.clear()
        bucket = self.strangers.setdefault(peer, Bucket(STRANGERS_PER_S))
        wait = bucket.wait_s()
        if wait:
            raise Problem(429, "too_many", "too many requests without a good token", headers=_after(wait))
        bucket.take(1)
        revoked = bool(token) and self.holders.was_revoked(token.strip())
        code, message = ("revoked", "this token was revoked") if revoked else ("token", "a good token is needed")
        raise Problem(401, code, message, headers=(("www-authenticate", "Bearer"),))

    def _content_type(self, scope: Any) -> str:
        given = str(scope.headers.get("content-type") or "application/json").split(";")[0].strip().lower()
        if given not in TYPES:
            raise Problem(415, "content_type", f"{given}: one of {', '.join(TYPES)}")
        coded = str(scope.headers.get("content-encoding") or "identity").lower()
        if coded != "identity":
            raise Problem(415, "content_encoding", f"{coded}: send it as it is")
        return given

    def _room(self, holder: Holder) -> None:
        for bucket, what in ((holder.requests, "requests"), (holder.readings, "readings")):
            wait = bucket.wait_s()
            if wait:
                raise Problem(429, "too_many", f"more {what} than {bucket.per_s:g} a second", headers=_after(wait))
        holder.requests.take(1)
        if self.feed.full:
            raise Problem(503, "busy", "nothing was stored; send it again", headers=_after(1))

    async def _read(self, scope: Any, protocol: Any) -> bytes:
        most = self.conf.ingest_body_max
        declared = str(scope.headers.get("content-length") or "")
        if declared.isdigit() and int(declared) > most:
            raise Problem(413, "too_large", f"{declared} bytes; at most {most}", {"limit": most})
        parts, size = [], 0
        async for chunk in protocol:
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                raise Problem(413, "too_large", f"more than {most} bytes", {"limit": most})
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _receipt(self, scope: Any, holder: Holder, data: bytes, taken: Taken) -> Receipt | None:
        key = scope.headers.get("idempotency-key")
        if key is None:
            return None
        if not 0 < len(key) <= KEY_MAX:
            raise Problem(422, "key", f"an Idempotency-Key has 1 to {KEY_MAX} characters", {"field": "Idempotency-Key"})
        taken.parcel.receipt = Receipt(
            key=hashlib.sha256(f"{holder.key}\n{key}".encode()).hexdigest(),
            body=hashlib.sha256(data).hexdigest(),
            answer=json.dumps([taken.status, taken.answer()], ensure_ascii=False),
            at=self.feed.clock.now(),
        )
        return taken.parcel.receipt

    async def _store(
        self, taken: Taken, receipt: Receipt | None
    ) -> tuple[int, list[tuple[str, str]], dict[str, object]]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.feed.deliver(taken.parcel, lambda yes: None if future.done() else future.set_result(yes))
        if not await future:
            raise Problem(503, "not_stored", "nothing was stored; send it again", headers=_after(1))
        before = taken.parcel.repeated
        if receipt is None or before is None:
            return taken.status, [], taken.answer()
        if before.body != receipt.body:
            raise Problem(
                422, "key_used", "this Idempotency-Key was used for another body", {"field": "Idempotency-Key"}
            )
        status, answer = json.loads(before.answer)
        return status, [("idempotency-replayed", "true")], answer


def _after(seconds: float) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(max(1, round(seconds + 0.5)))),)


class HttpDoor:
    """The HTTP server beside the other doors."""

    def __init__(self, ingest: Ingest, conf: Config) -> None:
        self.ingest, self.conf = ingest, conf
        self.server: Server | None = None
        self.serving: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError where that port is taken."""
        self.server = Server(
            self.ingest, host, port, interface=Interfaces.RSGI, websockets=False, log_enabled=False, backlog=1024,
            http=HTTPModes.http1, http1_settings=HTTP1Settings(header_read_timeout=20_000),
            ssl_cert=self.conf.ingest_cert, ssl_key=self.conf.ingest_key,
        )  # fmt: skip
        self.serving = asyncio.create_task(self.server.serve())
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not self.serving.done():
            try:
                _reader, writer = await asyncio.open_connection(host if host not in ("0.0.0.0", "::") else None, port)  # noqa: S104
                writer.close()
                await asyncio.sleep(0.05)
                if not self.serving.done():
                    return
            except OSError:
                await asyncio.sleep(0.02)
        raise OSError(f"cannot listen on {host}:{port}")

    async def close(self) -> None:
        if self.server is not None and self.serving is not None:
            self.server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait({self.serving}, timeout=3)
