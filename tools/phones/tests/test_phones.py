"""The contract between the client and the company, over real HTTP, with the company killed and started again."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from anlan.kernel.channels import BadSignature, ChannelError, Dial, Event, Receipt, Result
from anlan.links.channels import open_channel
from tools.phones.sleepers import plan, sleeper
from tools.phones.tests.conftest import START, Phones

TEXT = "这里是壶关县防汛指挥部。暴雨红色信号。请立即到岗，危险区群众马上转移。听清请按 1。"


def _dial(key: str, number: str = "13800000001", callback: str = "") -> Dial:
    return Dial(key=key, number=number, text=TEXT, text_version="v1", callback=callback)


def _over(receipts: tuple[Receipt, ...]) -> bool:
    return bool(receipts) and receipts[-1].event is Event.COMPLETED


def test_awake_person_hears_to_the_end_and_presses(phones: Phones) -> None:
    phones.owner("13800000001", "awake")
    call = phones.channel().dial(_dial("k1")).call
    receipts = phones.until(call, _over)
    assert [r.seq for r in receipts] == list(range(1, len(receipts) + 1))
    assert [receipts[0].event, receipts[1].event] == [Event.RINGING, Event.ANSWERED]
    key, done = receipts[-2:]
    assert (key.event, key.digit, key.seconds) == (Event.KEY, "1", key.of)
    assert (done.result, done.seconds) == (Result.HEARD_AND_CONFIRMED, done.of)
    assert (done.at - receipts[0].at).total_seconds() == pytest.approx(5 + done.of + 2, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "result"),
    [("deep", Result.NO_ANSWER), ("busy", Result.BUSY), ("bad", Result.BAD_NUMBER), ("early", Result.PARTIAL)],
)
def test_the_unreached(phones: Phones, kind: str, result: Result) -> None:
    phones.owner("13800000001", kind)
    done = phones.until(phones.channel().dial(_dial("k1")).call, _over)[-1]
    assert done.result is result
    assert done.seconds < done.of


def test_sleeper_hears_the_third_call(phones: Phones) -> None:
    phones.owner("13800000001", "asleep", sleeps_through=2)
    results = [phones.until(phones.channel().dial(_dial(f"k{n}")).call, _over)[-1].result for n in range(3)]
    assert results == [Result.NO_ANSWER, Result.NO_ANSWER, Result.HEARD_AND_CONFIRMED]


def test_same_key_never_rings_twice_even_after_a_kill(phones: Phones) -> None:
    phones.owner("13800000001", "awake")
    first = phones.channel().dial(_dial("k1"))
    phones.stop(signal.SIGKILL)
    phones.start()
    assert phones.channel().dial(_dial("k1")) == first
    receipts = phones.until(first.call, _over)
    assert [r.event for r in receipts].count(Event.RINGING) == 1
    with pytest.raises(ChannelError) as caught:
        phones.channel().dial(_dial("k1", number="13800000002"))
    assert (caught.value.code, caught.value.retryable) == ("key_reused", False)


def test_by_hand_key_counts_only_after_the_end(phones: Phones) -> None:
    phones.clock.set_rate(4.0)
    phones.owner("13800000001", "manual")
    call = phones.channel().dial(_dial("k1")).call
    phones.until(call, bool)
    assert phones.act(call, "up") == 200
    assert phones.act(call, "key-1") == 200
    early = phones.channel().of_call(call)[-1]
    assert early.event is Event.KEY
    assert early.seconds < early.of
    phones.clock.set_rate(60.0)
    phones.until(call, lambda rs: any(r.event is Event.PLAYED and r.seconds == r.of for r in rs))
    phones.clock.set_rate(2.0)
    assert phones.act(call, "key-1") == 200
    assert phones.channel().of_call(call)[-1].result is Result.HEARD_AND_CONFIRMED


def test_by_hand_hang_up_before_the_end_is_partial(phones: Phones) -> None:
    phones.clock.set_rate(4.0)
    phones.owner("13800000001", "manual")
    call = phones.channel().dial(_dial("k1")).call
    phones.until(call, bool)
    assert [phones.act(call, what) for what in ("up", "up", "down", "down")] == [200, 409, 200, 409]
    done = phones.channel().of_call(call)[-1]
    assert (done.event, done.result) == (Event.COMPLETED, Result.PARTIAL)


def test_one_line_and_cancel(phones: Phones) -> None:
    phones.clock.set_rate(2.0)
    phones.owner("13800000001", "manual")
    channel = phones.channel()
    first = channel.dial(_dial("k1")).call
    second = channel.dial(_dial("k2")).call
    assert phones.until(second, _over)[-1].result is Result.BUSY
    channel.cancel(first)
    channel.cancel(first)
    assert channel.of_call(first)[-1].result is Result.CANCELLED
    assert [r.event for r in channel.of_call(first)].count(Event.COMPLETED) == 1


def test_polling_pages_through_everything_once(phones: Phones) -> None:
    channel = phones.channel()
    calls = {channel.dial(_dial(f"k{n}", number=f"1390000000{n}")).call for n in range(4)}
    for call in calls:
        phones.until(call, _over)
    seen: list[str] = []
    cursor = ""
    while True:
        page = channel.receipts(cursor, limit=3)
        if not page.receipts:
            break
        assert page.next != cursor
        seen += [r.id for r in page.receipts]
        cursor = page.next
    assert len(seen) == len(set(seen)) == sum(len(channel.of_call(call)) for call in calls)


def test_wrong_secret_and_strange_pages_get_nothing(phones: Phones) -> None:
    with pytest.raises(ChannelError, match="bad_signature"):
        open_channel("voice", phones.url, "wrong").dial(_dial("k1"))
    assert httpx.post(f"{phones.url}/numbers/1", json={"kind": "awake"}).status_code == 403
    assert httpx.get(f"{phones.url}/board.json").json()["live"] == []


@contextmanager
def _listener(answers: list[int]) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Anlan's ear: answers with the given statuses, then 200."""
    heard: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers.items()), body))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/voice", heard
    finally:
        server.shutdown()
        server.server_close()


def test_webhooks_are_signed_and_repeated_until_taken(phones: Phones) -> None:
    phones.owner("13800000001", "awake")
    with _listener([503, 500]) as (callback, heard):
        call = phones.channel().dial(_dial("k1", callback=callback)).call
        whole = phones.until(call, _over)
        end = time.monotonic() + 15
        got: dict[str, Receipt] = {}
        while len(got) < len(whole) and time.monotonic() < end:
            time.sleep(0.1)
            for headers, body in heard[2:]:
                for receipt in phones.channel().read_hook("/hooks/voice", headers, body, unix=time.time()):
                    got[receipt.id] = receipt
        assert sorted(got.values(), key=lambda r: r.seq) == list(whole)
        headers, body = heard[-1]
        with pytest.raises(BadSignature):
            phones.channel().read_hook("/hooks/voice", headers, body + b" ", unix=time.time())


def test_page_is_whole(phones: Phones) -> None:
    page = httpx.get(phones.url)
    assert "电话公司" in page.text
    assert "http" not in page.text.split("<body>")[1]
    assert httpx.get(f"{phones.url}/page.js").headers["content-type"].startswith("text/javascript")
    board = json.loads(httpx.get(f"{phones.url}/board.json").text)
    assert board["now"].startswith("2026-07-2")
    assert phones.clock.now().timestamp() > START


def test_clean_stop(phones: Phones) -> None:
    assert phones.stop() == 0


def test_sleepers_are_seeded_and_shares_hold() -> None:
    numbers = [f"138{n:08d}" for n in range(4000)]
    kinds = [sleeper(7, number).kind for number in numbers]
    assert kinds == [sleeper(7, number).kind for number in numbers]
    assert kinds != [sleeper(8, number).kind for number in numbers]
    assert kinds.count("awake") / 4000 == pytest.approx(0.62, abs=0.03)
    woken = sum(
        any(
            step.result == "heard_and_confirmed"
            for nth in range(3)
            for step in plan(sleeper(7, number), nth, of_s=20, ring_s=30, confirm="1")
        )
        for number in numbers
    )
    assert woken / 4000 == pytest.approx(0.90, abs=0.03)
