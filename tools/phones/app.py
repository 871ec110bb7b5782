"""The company's doors: the contract under /v1 for Anlan, and a page for the person who plays the villagers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from anlan.kernel.clock import Clock
from tools.phones.company import Company, Refusal
from tools.phones.hooks import Sender, genuine
from tools.phones.sleepers import KINDS
from tools.phones.store import Call

log = structlog.get_logger("phones")
TICK_S = 0.05
_PAGE = Path(__file__).with_name("page.html")
_CSP = "default-src 'self'; style-src 'unsafe-inline'; script-src 'self'; frame-ancestors 'none'"
_MAX_BODY = 64 * 1024

Handler = Callable[[Request], Awaitable[Response]]


class Doors:
    """Request handlers around one company."""

    def __init__(self, company: Company, clock: Clock, secret: str) -> None:
        self.company, self.clock, self.secret = company, clock, secret

    def now(self) -> float:
        return self.clock.now().timestamp()

    async def _signed(self, request: Request) -> bytes:
        body = await request.body()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        timestamp = request.headers.get("X-Voice-Timestamp", "")
        signature = request.headers.get("X-Voice-Signature", "")
        if len(body) > _MAX_BODY or not genuine(self.secret, request.method, target, timestamp, signature, body):
            raise Refusal(401, "bad_signature", "signature missing, wrong or too old")
        return body

    async def post_call(self, request: Request) -> Response:
        raw = await self._signed(request)
        try:
            body = json.loads(raw)
        except ValueError:
            raise Refusal(400, "bad_request", "not JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "bad_request", "expected an object")
        call = self.company.accept(request.headers.get("Idempotency-Key", ""), body, self.now())
        return JSONResponse({"id": call.id}, 202)

    async def one_call(self, request: Request) -> Response:
        await self._signed(request)
        call_id = request.path_params["call"]
        if request.method == "DELETE":
            return JSONResponse({"id": self.company.cancel(call_id, self.now()).id})
        call = self.company.find(call_id)
        return JSONResponse({"id": call.id, "events": self.company.store.events_of(call.id)})

    async def receipts(self, request: Request) -> Response:
        await self._signed(request)
        after, limit = request.query_params.get("after") or "0", request.query_params.get("limit", "200")
        if not (after.isdigit() and limit.isdigit()):
            raise Refusal(400, "bad_request", "after: a cursor of ours; limit: 1–500")
        events, cursor = self.company.store.events_after(int(after), max(1, min(int(limit), 500)))
        return JSONResponse({"receipts": events, "next": str(cursor)})

    async def page(self, request: Request) -> Response:
        html = _PAGE.read_text(encoding="utf-8")
        return HTMLResponse(html, headers={"Content-Security-Policy": _CSP, "Cache-Control": "no-store"})

    async def script(self, request: Request) -> Response:
        text = _PAGE.with_name("page.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript", headers={"Cache-Control": "no-store"})

    async def board(self, request: Request) -> Response:
        """What the page shows: everything that rings or talks, and the last calls."""
        now, company = self.now(), self.company
        live = company.store.calls("state <> 'over'", limit=400)
        over = company.store.calls("state = 'over'", limit=60)
        return JSONResponse(
            {
                "now": self.clock.now().isoformat(),
                "kinds": KINDS,
                "live": [self._row(call, now) for call in live],
                "over": [self._row(call, now) for call in over],
            }
        )

    def _row(self, call: Call, now: float) -> dict[str, Any]:
        start = call.answered if call.answered is not None else call.accepted
        return {
            "id": call.id,
            "number": call.number,
            "text": call.body["text"],
            "level": call.body["level"],
            "state": call.state if call.seq else "dialling",
            "for_s": round(max(now - start, 0.0), 1),
            "of_s": call.of_s,
            "ring_s": call.body["ring_s"],
            "by_hand": call.by_hand,
            "result": call.result,
            "at": call.accepted,
            "kind": self.company.owner(call.number).kind,
        }

    async def act(self, request: Request) -> Response:
        """A person at the page: pick up, press, hang up."""
        _same_page(request)
        call, what = request.path_params["call"], request.path_params["what"]
        if what == "up":
            self.company.pick_up(call, self.now())
        elif what == "down":
            self.company.hang_up(call, self.now())
        elif what.startswith("key-"):
            self.company.press(call, what.removeprefix("key-"), self.now())
        else:
            raise Refusal(404, "no_such_act", what)
        return JSONResponse({"ok": True})

    async def owner(self, request: Request) -> Response:
        """Set who owns a number: {"kind": "manual"}; {"kind": ""} gives it back to the seed."""
        _same_page(request)
        body = json.loads(await request.body())
        if body.get("kind") not in (*KINDS, ""):
            raise Refusal(400, "bad_request", f"kind: one of {', '.join(KINDS)}")
        rings, sleeps = int(body.get("rings", 2)), int(body.get("sleeps_through", 1 if body["kind"] == "asleep" else 0))
        self.company.set_owner(request.path_params["number"], body["kind"], rings, sleeps)
        return JSONResponse({"ok": True})


def _same_page(request: Request) -> None:
    """Another site's page cannot set this header without asking first, and is never told yes."""
    if request.headers.get("X-Phones") != "1":
        raise Refusal(403, "not_this_page", "X-Phones: 1 is missing")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return JSONResponse({"code": error.code, "message": error.message}, error.status)


async def _alive(request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _run(what: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """A loop that one bad round does not end."""
    while True:
        try:
            await work()
        except Exception:  # the company goes on; the error is logged with its trace
            log.exception("round failed", what=what)
        await asyncio.sleep(every_s)


def make_app(company: Company, clock: Clock, secret: str) -> Starlette:
    """The program as one ASGI application, with its two loops: time passing, and webhooks."""
    doors = Doors(company, clock, secret)

    async def tick() -> None:
        company.tick(doors.now())

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sender = Sender(company.store, secret)
        loops = [
            asyncio.create_task(_run("tick", TICK_S, tick)),
            asyncio.create_task(_run("hooks", TICK_S, sender.send_due)),
        ]
        yield
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await sender.close()

    routes = [
        Route("/v1/calls", doors.post_call, methods=["POST"]),
        Route("/v1/calls/{call}", doors.one_call, methods=["GET", "DELETE"]),
        Route("/v1/receipts", doors.receipts),
        Route("/", doors.page),
        Route("/page.js", doors.script),
        Route("/board.json", doors.board),
        Route("/phones/{call}/{what}", doors.act, methods=["POST"]),
        Route("/numbers/{number}", doors.owner, methods=["POST"]),
        Route("/healthz", _alive),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refusal: _refused})
