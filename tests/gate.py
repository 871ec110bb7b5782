"""A gateway inside a test: the feed, its doors on free ports of loopback, and a client in the same loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import httpx
from django.conf import settings
from django.db import connections

from anlan.loop.sensing.blocks import Columns, joined, unpack
from anlan.loop.sensing.models import Block
from anlan.loop.sensing.router import readings_alias
from anlan.site.gateway.feed import Chore, Feed, Work
from anlan.site.gateway.holders import Holders
from anlan.site.gateway.http import PATH, HttpDoor, Ingest
from anlan.site.gateway.manual import Clerk

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Gate:
    """feed and ingest as the gateway has them; `turn`: the pipeline's next turn, chores included."""

    feed: Feed
    ingest: Ingest
    client: httpx.AsyncClient
    url: str

    async def turn(self) -> None:
        for chore in self.feed.chores:
            chore.due = 0.0
        await self.on_thread(lambda: self.feed.turn(Work([], [])))

    async def on_thread(self, function: Callable[[], T]) -> T:
        """Run in the pipeline's thread: nobody else touches the database while it runs."""
        return await asyncio.get_running_loop().run_in_executor(self.feed.thread, function)


@asynccontextmanager
async def gate(**changes: object) -> AsyncIterator[Gate]:
    """changes: settings besides the tests' own."""
    conf = settings.CONFIG.model_copy(update=changes)
    stop, feed = asyncio.Event(), Feed()
    await feed.start()
    holders = Holders(
        feed.pipeline, requests_per_s=conf.ingest_requests_per_s, readings_per_s=conf.ingest_readings_per_s
    )
    feed.chores.append(Chore("tokens", 1.0, holders.reload))
    feed.chores.append(Chore("manual", 1.0, Clerk(feed.pipeline).work))
    ingest = Ingest(feed, holders, conf)
    http, port = HttpDoor(ingest, conf), free_port()
    await http.open("127.0.0.1", port)
    feeding = asyncio.create_task(feed.run(stop))
    async with httpx.AsyncClient(timeout=20) as client:
        made = Gate(feed, ingest, client, f"http://127.0.0.1:{port}{PATH}")
        await made.turn()
        try:
            yield made
        finally:
            stop.set()
            await feeding
            await http.close()
            await made.on_thread(connections.close_all)
            feed.thread.shutdown()


def play(scenario: Callable[[Gate], Awaitable[None]], **changes: object) -> None:
    """Run a scenario before a gateway."""

    async def run() -> None:
        async with gate(**changes) as made:
            await scenario(made)

    asyncio.run(run())


def blocks() -> Columns:
    """Everything that is stored, in order of arrival."""
    rows = Block.objects.using(readings_alias()).order_by("id").values_list("packed", flat=True)
    return joined([unpack(bytes(packed)) for packed in rows])


def at_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
