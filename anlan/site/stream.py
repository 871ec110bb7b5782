"""`/events`: says only "part X changed", to those who may see it. Pages then fetch the part again.

One thread of the process follows the sealed journal; each client has a small set of parts waiting for it, so a slow
reader costs a bounded amount of memory and never holds up the others.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections

from anlan.base.journal.models import Entry, Head
from anlan.base.people.models import Account
from anlan.base.people.queries import actor_for
from anlan.kernel.actor import Actor
from anlan.loop.sensing.queries import newest_block
from anlan.ui.context import clock_rate, site_clock

POLL_S = 0.15
KEEP_ALIVE_S = 15.0
SESSION_CHECK_S = 60.0
READINGS_EVERY_S = 3.0
CLIENTS_MAX = 2000
log = logging.getLogger("anlan.stream")

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


@dataclass(eq=False)
class Client:
    """One open stream: who reads, which parts wait, and up to which offset."""

    actor: Actor
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    parts: set[str] = field(default_factory=set)
    offset: int = 0

    def notice(self, part: str, offset: int) -> None:
        self.parts.add(part)
        self.offset = max(self.offset, offset)
        self.wake.set()


class Hub:
    """Follows the journal and tells the clients. Started with the first client."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.lock = threading.Lock()
        self.offset = 0
        self.thread: threading.Thread | None = None

    def join(self, client: Client) -> None:
        with self.lock:
            if len(self.clients) >= CLIENTS_MAX:
                raise RuntimeError("too many streams")
            self.clients.add(client)
            if self.thread is None:
                self.offset = _head()
                self.thread = threading.Thread(target=self._follow, name="stream", daemon=True)
                self.thread.start()
            client.offset = self.offset

    def leave(self, client: Client) -> None:
        with self.lock:
            self.clients.discard(client)

    def _follow(self) -> None:
        block, checked, rate = 0, 0.0, clock_rate()
        while True:
            try:
                close_old_connections()
                self._news()
                if time.monotonic() - checked > READINGS_EVERY_S:
                    checked = time.monotonic()
                    if clock_rate() != rate:
                        rate = clock_rate()
                        self._tell("clock", "", None, self.offset)  # browsers tick deadlines at the site's speed
                    newest = newest_block()
                    if newest != block:
                        block = newest
                        self._tell("sensing", "", None, self.offset)
            except Exception:
                log.exception("the stream could not read the journal; trying again")
                time.sleep(1)
            time.sleep(POLL_S)

    def _news(self) -> None:
        rows = Entry.objects.sealed().filter(offset__gt=self.offset).values_list("offset", "kind", "area", "mode")
        for offset, kind, area, mode in rows[:1000]:
            self.offset = offset or self.offset
            self._tell(kind.split(".")[0], area, mode, self.offset)
            self._tell("journal", area, mode, self.offset)

    def _tell(self, part: str, area: str, mode: str | None, offset: int) -> None:
        with self.lock:
            clients = list(self.clients)
        for client in clients:
            if (mode is None or client.actor.mode == mode) and (not area or client.actor.sees_area(area)):
                client.loop.call_soon_threadsafe(client.notice, part, offset)


HUB = Hub()


def _head() -> int:
    head = Head.objects.filter(id=1).first()
    return head.offset if head else 0


def _actor_of(cookies: str) -> Actor | None:
    """The actor behind a session cookie; None = not logged in (any more)."""
    close_old_connections()
    morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        return None
    data = SessionStore(morsel.value).load()
    key = str(data.get(SESSION_KEY, "")) if data else ""
    account = Account.objects.filter(pk=key, is_active=True).first() if key else None
    return actor_for(account, site_clock().now()) if account else None


async def stream(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Serve one client until it leaves, its login ends, or the server stops."""
    headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
    who = sync_to_async(_actor_of, thread_sensitive=False)
    actor = await who(headers.get("cookie", ""))
    if actor is None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"login required"})
        return
    client = Client(actor, asyncio.get_running_loop())
    await sync_to_async(HUB.join, thread_sensitive=False)(client)
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream"),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )
        last = headers.get("last-event-id", "")
        missed = last.isdigit() and int(last) != client.offset
        await _body(send, f"retry: 2000\nevent: hello\nid: {client.offset}\ndata: {json.dumps({'missed': missed})}\n\n")
        await _serve(client, gone, send, lambda: who(headers.get("cookie", "")))
    finally:
        gone.cancel()
        HUB.leave(client)


async def _serve(
    client: Client, gone: "asyncio.Future[None]", send: Send, again: Callable[[], Awaitable[Actor | None]]
) -> None:
    checked = time.monotonic()
    while not gone.done():
        try:
            await asyncio.wait_for(client.wake.wait(), KEEP_ALIVE_S)
        except TimeoutError:
            await _body(send, ": alive\n\n")
        if time.monotonic() - checked > SESSION_CHECK_S:
            checked = time.monotonic()
            if await again() is None:
                await _body(send, "event: bye\ndata: {}\n\n")
                break
        client.wake.clear()
        parts, client.parts = client.parts, set()
        for part in sorted(parts):
            await _body(send, f'event: part\nid: {client.offset}\ndata: {{"part": "{part}"}}\n\n')
        if parts:
            await asyncio.sleep(0.1)  # a burst of entries is one message a part
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
