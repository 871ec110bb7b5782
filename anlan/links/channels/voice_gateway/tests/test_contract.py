"""The client's side of docs/voice-gateway.md: signature, parsing, and which refusals may be tried again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anlan.kernel.channels import BadSignature, Channel, ChannelError, Dial, Event, Result
from anlan.links.channels import manifests, open_channel
from anlan.links.channels.voice_gateway.signing import SIGNATURE, TIMESTAMP, sign, verify
from anlan.links.channels.voice_gateway.wire import call_body, parse_hook

SECRET = "s3cret"
DIAL = Dial(key="k1", number="13800000001", text="请立即到岗", text_version="v", callback="")
EVENT = {"id": "e1", "seq": 1, "call": "c1", "key": "k1", "event": "ringing", "at": "2026-07-21T02:31:00+08:00"}


def test_documented_vector_is_what_the_code_signs() -> None:
    headers = sign(SECRET, "POST", "/hooks/voice", b"{}", unix=1784486400.9)
    page = Path(__file__).parents[5] / "docs" / "voice-gateway.md"
    assert headers[SIGNATURE] in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("unix", "target", "body", "secret"),
    [
        (1000 + 301, "/h", b"x", SECRET),
        (1000 - 301, "/h", b"x", SECRET),
        (1000, "/other", b"x", SECRET),
        (1000, "/h", b"y", SECRET),
        (1000, "/h", b"x", "another"),
        (1000, "/h", b"x", ""),
    ],
)
def test_signature_refuses(unix: float, target: str, body: bytes, secret: str) -> None:
    headers = sign(SECRET, "POST", "/h", b"x", unix=1000)
    verify(SECRET, "POST", "/h", headers, b"x", unix=1000 + 299)
    with pytest.raises(BadSignature):
        verify(secret, "POST", target, headers, body, unix=unix)


@pytest.mark.parametrize("headers", [{}, {TIMESTAMP: "１２３", SIGNATURE: "v1=0"}, {TIMESTAMP: "1000", SIGNATURE: "é"}])
def test_signature_refuses_odd_headers(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, "POST", "/h", headers, b"x", unix=1000)


def test_hook_is_parsed_and_a_peer_may_add_keys() -> None:
    done = EVENT | {"id": "e2", "seq": 2, "event": "completed", "result": "partial", "seconds": 12, "of": 20, "new": 1}
    first, second = parse_hook(json.dumps({"events": [EVENT, done]}).encode())
    assert first.event is Event.RINGING
    assert (second.result, second.seconds, second.of) == (Result.PARTIAL, 12, 20)


@pytest.mark.parametrize(
    "change",
    [
        {"event": "completed"},
        {"result": "heard"},
        {"event": "key"},
        {"at": "2026-07-21T02:31:00"},
        {"seconds": -1},
        {"event": "woken"},
        {"digit": "x"},
        {"seq": 0},
    ],
)
def test_hook_refuses_what_the_contract_does_not_say(change: dict[str, object]) -> None:
    with pytest.raises(ChannelError) as caught:
        parse_hook(json.dumps({"events": [EVENT | change]}).encode())
    assert not caught.value.retryable


def test_same_dial_gives_same_bytes() -> None:
    assert call_body(DIAL) == call_body(DIAL)


def test_registry_knows_voice_and_refuses_a_stranger() -> None:
    manifest, _ = manifests()["voice"]
    assert manifest.hears_keys
    with pytest.raises(KeyError, match="known: voice"):
        open_channel("pigeon", "http://127.0.0.1:1", SECRET)


@contextmanager
def _peer(status: int, body: bytes, retry_after: str = "") -> Iterator[Channel]:
    """A peer that answers everything in one way, over real HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield open_channel("voice", f"http://127.0.0.1:{server.server_port}", SECRET)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable", "wait"),
    [
        (503, b"{}", "unknown", True, 0),
        (429, b'{"code": "too_many", "message": "slow down"}', "too_many", True, 7),
        (422, b'{"code": "bad_number", "message": "no"}', "bad_number", False, 0),
        (409, b'{"code": "key_reused", "message": "no"}', "key_reused", False, 0),
        (401, b"<html>", "unknown", False, 0),
        (202, b"{}", "bad_answer", True, 0),
        (302, b"", "unknown", False, 0),
    ],
)
def test_refusals(status: int, body: bytes, code: str, retryable: bool, wait: float) -> None:
    with (
        _peer(status, body, str(int(wait)) if wait else "") as channel,
        pytest.raises(ChannelError) as caught,
    ):
        channel.dial(DIAL)
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after_s) == (code, retryable, wait)


def test_nobody_there_is_retryable() -> None:
    channel = open_channel("voice", "http://127.0.0.1:9", SECRET)
    with pytest.raises(ChannelError) as caught:
        channel.dial(DIAL)
    assert caught.value.retryable
