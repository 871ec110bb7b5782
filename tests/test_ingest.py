"""Readings pushed over HTTP (C7, A1): stored before the answer, judged, and refused by name where they must be."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import numpy as np
import pytest
from django.db import connections
from django.test import Client

from anlan.base.journal.models import Entry
from anlan.kernel.errors import Invalid, NotPermitted
from anlan.links.ingest import PACKED_TYPE, encode_packed
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.tests.stations import standing
from anlan.loop.sensing.blocks import FUTURE, GOOD, MISSING
from anlan.loop.sensing.commands import KEEP_RECEIPTS, forget_receipts, register_device
from anlan.loop.sensing.models import Device, Receipt, Series, Token
from anlan.loop.sensing.router import readings_alias
from anlan.loop.sensing.tokens import digest, issue_token, revoke_token
from tests.cast import NOW, SYSTEM, Cast
from tests.fail import refuse_writes
from tests.gate import Gate, at_ms, blocks, play

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(60)
]  # fmt: skip
Post = Callable[..., Awaitable[httpx.Response]]
MINUTE = timedelta(minutes=1)


def pushes(cast: Cast, *gauges: int) -> tuple[list[Device], str]:
    """Gauges YL<n> as devices G<n> that push, under one token."""
    devices = [
        register_device(SYSTEM, protocol="ingest", address=f"g{n}", place=cast.places[f"YL{n}"], now=NOW)
        for n in gauges
    ]
    _token, clear = issue_token(cast.actor("zhiban"), devices=devices, now=NOW)
    return devices, clear


def row(minutes: float, value: object, **more: object) -> dict[str, object]:
    return {"metric": "rain.accumulated", "at": (NOW + minutes * MINUTE).isoformat(), "value": value} | more


def posting(gate: Gate, token: str) -> Post:
    async def post(body: object, **headers: str) -> httpx.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await gate.client.post(gate.url, content=data, headers=sent)

    return post


def stored() -> list[tuple[int, float | None, int]]:
    """(minutes from NOW, value, quality) of every stored reading, in order of arrival."""
    held = blocks()
    minutes = ((held.times - at_ms(NOW)) // 60_000).tolist()
    values = [None if value != value else value for value in held.values.tolist()]
    return list(zip(minutes, values, held.quality.tolist(), strict=True))


def test_rows_are_stored_judged_and_answered(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)

    async def scenario(gate: Gate) -> None:
        post = posting(gate, token)
        answer = await post([row(-10, 100.0), row(0, 141.0), row(30, 150.0), row(-1, None)])
        assert (answer.status_code, answer.json()) == (
            200, {"stored": 4, "future": 1, "refused_total": 0, "refused": []}
        )  # fmt: skip
        await gate.turn()

    play(scenario)
    assert stored() == [(-10, 100.0, GOOD), (0, 141.0, GOOD), (30, 150.0, FUTURE), (-1, None, MISSING)]
    assert standing() == [("WX1", 4, "active")]


def test_rows_columns_and_packed_are_the_same_readings(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1, 2)
    times = [at_ms(NOW - n * MINUTE) for n in (3, 2, 1)]
    rows = [{"device": d, "metric": "rain.accumulated", "time": t / 1000, "value": v}
            for d, t, v in zip(["G1", "g2", "g1"], times, [1.0, 2.0, 3.5], strict=True)]  # fmt: skip
    by_name = {"s": ["g1/rain.accumulated", "G2/rain.accumulated", "g1/rain.accumulated"], "t": times, "v": [1, 2, 3.5]}
    series = ["g1/rain.accumulated", "g2/rain.accumulated"]
    by_position = {"series": series, "s": [0, 1, 0], "t": times, "v": [1, 2, 3.5]}
    packed = encode_packed(series, [0, 1, 0], times, [1, 2, 3.5])

    async def scenario(gate: Gate) -> None:
        post = posting(gate, token)
        for body in (rows, by_name, by_position, by_position):
            assert (await post(body)).status_code == 200
        for content_type in (PACKED_TYPE, "application/octet-stream"):
            assert (await post(packed, content_type=content_type)).json()["stored"] == 3

    play(scenario)
    held = blocks()
    for part in (held.series, held.times, held.values):
        once = part.reshape(6, 3)
        assert np.array_equal(once, np.tile(once[0], (6, 1)))
    assert Series.objects.count() == 2


def test_good_rows_stay_and_the_answer_names_the_others(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)

    async def scenario(gate: Gate) -> None:
        post = posting(gate, token)
        answer = await post([row(-2, 1.0), row(-1, "wet"), row(-1, 3.0, device="G2"), row(0, 4.0)])
        assert answer.status_code == 207
        told = answer.json()
        assert (told["stored"], told["refused_total"]) == (2, 2)
        assert [(one["row"], one["field"]) for one in told["refused"]] == [(1, "value"), (2, "device")]
        only_bad = await post([row(0, 1.0) | {"metric": "Rain"}])
        assert (only_bad.status_code, only_bad.json()["refused"][0]["field"]) == (422, "metric")
        assert (await post([row(0, 1.0, device="G2")])).status_code == 403
        assert (await post([])).json()["stored"] == 0

    play(scenario)
    assert stored() == [(-2, 1.0, GOOD), (0, 4.0, GOOD)]


def test_a_body_that_cannot_be_is_refused_by_name_and_nothing_of_it_is_stored(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)
    at = at_ms(NOW)
    packed = encode_packed(["stage"], [0], [at], [1.0])
    cases = [
        (b"{", {}, 422, {}),
        (b'[{"metric": ?}]', {}, 422, {"byte": 12}),
        (json.dumps({"s": ["stage"], "t": [at], "v": ["x"]}).encode(), {}, 422, {"field": "v", "row": 0}),
        (json.dumps({"s": ["g2/stage"], "t": [at], "v": [1]}).encode(), {}, 403, {"field": "s", "name": "G2/stage"}),
        (packed[:-1], {"content_type": PACKED_TYPE}, 422, {"field": "length", "byte": len(packed) - 1}),
        (packed[:-1] + b"\x01", {"content_type": PACKED_TYPE}, 422, {"field": "crc", "byte": 20}),
        (packed, {"content_type": "text/plain"}, 415, {}),
        (packed, {"content_type": PACKED_TYPE, "content_encoding": "gzip"}, 415, {}),
        (b" " * 5001, {}, 413, {"limit": 5000}),
        (json.dumps({"s": [f"m{n}" for n in range(4)], "t": [at] * 4, "v": [1] * 4}).encode(), {}, 422,
         {"field": "metric"}),
        (b"[]", {"idempotency_key": "x" * 129}, 200, {}),
    ]  # fmt: skip

    async def scenario(gate: Gate) -> None:
        post = posting(gate, token)
        for body, headers, status, facts in cases:
            answer = await post(body, **headers)
            assert answer.status_code == status, (body, answer.text)
            assert answer.json() | facts == answer.json(), (body, answer.text)
        chunked = await gate.client.post(
            gate.url, content=_pieces(6000), headers={"authorization": f"Bearer {token}"}
        )  # fmt: skip
        assert chunked.status_code == 413
        assert (await gate.client.get(gate.url)).status_code == 405
        assert (await gate.client.post(gate.url + "/more")).status_code == 404

    play(scenario, ingest_body_max=5000, ingest_series_max=3)
    assert len(blocks()) == 0
    assert not Series.objects.exists()


async def _pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b" " * 1000


def test_only_a_good_token_opens_and_a_revoked_one_is_told_so(at_now: Cast) -> None:
    devices, token = pushes(at_now, 1)
    row_now = [row(0, 1.0)]

    async def scenario(gate: Gate) -> None:
        for wrong in ("x", "anl_wrong", token[:-1], token + "x"):
            answer = await posting(gate, wrong)(row_now)
            assert (answer.status_code, answer.json()["code"]) == (401, "ingest.token")
            assert answer.headers["www-authenticate"] == "Bearer"
        basic = await gate.client.post(gate.url, content=b"[]", headers={"authorization": f"Basic {token}"})
        assert basic.status_code == 401
        for _try in range(3):  # about five tries at once, then one each two seconds
            slowed = await posting(gate, "anl_guess")(row_now)
        assert slowed.status_code == 429
        assert int(slowed.headers["retry-after"]) >= 1
        assert (await posting(gate, token)(row_now)).status_code == 200  # others are not held up by it
        held = await gate.on_thread(Token.objects.get)
        await gate.on_thread(lambda: revoke_token(at_now.actor("zhiban"), held, now=NOW))
        await gate.turn()
        gate.ingest.strangers.clear()
        told = await posting(gate, token)(row_now)
        assert (told.status_code, told.json()["code"]) == (401, "ingest.revoked")
        _token, second = await gate.on_thread(lambda: issue_token(at_now.actor("zhiban"), devices=devices, now=NOW))
        await gate.turn()
        assert (await posting(gate, second)(row_now)).status_code == 200

    play(scenario)
    assert len(stored()) == 2


def test_who_sends_too_much_waits_and_others_do_not(at_now: Cast) -> None:
    _devices, busy = pushes(at_now, 1)
    _others, calm = pushes(at_now, 2)

    async def scenario(gate: Gate) -> None:
        flood = {"s": ["stage"] * 30, "t": [at_ms(NOW)] * 30, "v": [1] * 30}
        assert (await posting(gate, busy)(flood)).status_code == 200  # at once as much as ten seconds of it
        answer = await posting(gate, busy)([row(0, 1.0)])
        assert answer.status_code == 429
        assert 5 <= int(answer.headers["retry-after"]) <= 6
        assert (await posting(gate, calm)([row(0, 1.0)])).status_code == 200

    play(scenario, ingest_readings_per_s=2.0)
    assert len(stored()) == 31


def test_the_same_key_is_answered_again_and_stored_once(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)
    body = [row(-1, 7.0), row(0, "?")]

    async def scenario(gate: Gate) -> None:
        post = posting(gate, token)
        first = await post(body, idempotency_key="a")
        again = await post(body, idempotency_key="a")
        assert (first.status_code, first.json()) == (again.status_code, again.json())
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        other = await post([row(-1, 9.0)], idempotency_key="a")
        assert (other.status_code, other.json()["code"]) == (422, "ingest.key_used")
        assert (await post(body, idempotency_key="b")).status_code == 207

    play(scenario)
    play(lambda gate: _again(gate, token, body))  # a gateway that was started anew remembers
    assert stored() == [(-1, 7.0, GOOD)] * 2
    kept = Receipt.objects.using(readings_alias())
    assert kept.count() == 2
    kept.filter(key=kept.values_list("key", flat=True)[0]).update(at=NOW - KEEP_RECEIPTS)
    assert (forget_receipts(NOW + MINUTE), kept.count()) == (1, 1)


async def _again(gate: Gate, token: str, body: object) -> None:
    answer = await posting(gate, token)(body, idempotency_key="a")
    assert answer.headers["idempotency-replayed"] == "true"


def test_the_same_readings_again_change_no_alarm(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)

    async def scenario(gate: Gate) -> None:
        for _again in range(3):
            assert (await posting(gate, token)([row(-10, 100.0), row(0, 141.0)])).status_code == 200
            await gate.turn()

    play(scenario)
    assert Alarm.objects.count() == 1
    assert standing() == [("WX1", 4, "active")]


def test_no_answer_200_without_a_commit(at_now: Cast) -> None:
    _devices, token = pushes(at_now, 1)

    async def refused(gate: Gate) -> None:
        answer = await posting(gate, token)([row(0, 141.0)], idempotency_key="a")
        assert (answer.status_code, answer.json()["code"]) == (503, "ingest.not_stored")
        assert answer.headers["retry-after"]

    async def taken(gate: Gate) -> None:
        answer = await posting(gate, token)([row(0, 141.0)], idempotency_key="a")
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (200, None)

    for table in ("sensing_block", "sensing_receipt"):
        with refuse_writes(table, connections[readings_alias()]):
            play(refused)
        assert len(blocks()) == 0
    play(taken)
    assert len(blocks()) == 1


def test_a_token_is_shown_once_kept_as_a_hash_and_written_in_the_journal(at_now: Cast) -> None:
    devices, clear = pushes(at_now, 1, 2)
    token = Token.objects.get()
    assert token.digest == digest(clear)
    assert clear not in json.dumps(list(Token.objects.values()) + list(Entry.objects.values()), default=str)
    assert len(clear) > 40
    lines = Entry.objects.filter(kind="sensing.token_issued")
    assert {line.data["device"] for line in lines} == {str(device.id) for device in devices}
    for _again in range(2):
        revoke_token(at_now.actor("zhiban"), token, now=NOW)
    assert Entry.objects.filter(kind="sensing.token_revoked").count() == 2
    with pytest.raises(NotPermitted):
        issue_token(at_now.actor("shipo"), devices=devices, now=NOW)
    with pytest.raises(Invalid):
        issue_token(at_now.actor("zhiban"), devices=[], now=NOW)
    sl651 = register_device(SYSTEM, protocol="sl651", address="G1", place=at_now.places["YL1"], now=NOW)
    with pytest.raises(Invalid):
        issue_token(at_now.actor("zhiban"), devices=[*devices, sl651], now=NOW)


def test_tokens_on_the_devices_page(at_now: Cast) -> None:
    """Issued to whoever may admit, shown once, revoked there; to others there is neither card nor act."""
    device, other = pushes(at_now, 1, 2)[0]
    page, client = f"/devices/{device.id}", Client()
    client.force_login(at_now.accounts["zhiban"])
    unknown = client.post(f"{page}/tokens", {"others": "nobody"})
    assert (unknown.status_code, Token.objects.count()) == (422, 1)
    shown = client.post(f"{page}/tokens", {"others": "g2"})
    assert shown["Cache-Control"] == "no-store"
    clear = shown.content.decode().split("Bearer ")[1].split("&")[0].split('"')[0]
    token = Token.objects.get(digest=digest(clear))
    assert set(token.devices.all()) == {device, other}
    assert clear not in client.get(page).content.decode()
    assert token.hint in client.get(page).content.decode()
    town = Client()
    town.force_login(at_now.accounts["shipo"])
    assert "接入令牌" not in town.get(page).content.decode()
    assert town.post(f"{page}/tokens").status_code == 403
    assert town.post(f"{page}/tokens/{token.id}/revoke").status_code == 403
    assert client.post(f"{page}/tokens/{other.id}/revoke").status_code == 404
    assert client.post(f"{page}/tokens/{token.id}/revoke").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert "已吊销" in client.get(page).content.decode()
