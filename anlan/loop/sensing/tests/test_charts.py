"""C7, A1: lines of a chart over HTTP, an hour to years: right sums, gaps as gaps, only what the actor sees."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from anlan.loop.sensing import reader
from anlan.loop.sensing.blocks import GOOD, MANUAL, SUSPECT, columns_of
from anlan.loop.sensing.commands import open_series, register_device, store_block
from anlan.loop.sensing.folding import Retention, keep
from anlan.loop.sensing.models import Series
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.reader import Runs
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RUNS", Runs())


def chart(client: Client, **query: Any) -> Any:
    answer = client.get("/api/v1/readings/chart", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def span(hours: float) -> dict[str, str]:
    return {"from": (NOW - timedelta(hours=hours)).isoformat(), "to": NOW.isoformat()}


def test_rain_of_any_range_is_the_same_rain(at_now: Cast, client: Client) -> None:
    """Half a millimetre each ten minutes for 40 days, folded but for the last hours: each range sums to what fell."""
    place, steps = at_now.places["YL1"], 40 * 144
    told = [(NOW - timedelta(minutes=10 * n), (steps - n) * 0.5) for n in range(steps, -1, -1)]
    hear(place, "rain.accumulated", told[:-30], NOW)
    while keep(NOW, Retention(timedelta(days=9999), 10)):
        pass
    hear(place, "rain.accumulated", told[-30:], NOW)
    client.force_login(at_now.accounts["zhiban"])
    kinds = {}
    for hours, fell in ((1, 3.0), (6, 18.0), (24, 72.0), (72, 216.0), (24 * 20, 1440.0), (24 * 39, 2808.0)):
        (line,) = chart(client, place="YL1", metric="rain", **span(hours))["lines"]
        kinds[hours] = line["step_s"]
        whole = [
            v
            for t, v in zip(line["t"], line["v"], strict=True)
            if t - 1000 * line["step_s"] >= ms(NOW) - hours * 3600_000
        ]
        if hours <= 24:
            assert sum(whole) == pytest.approx(fell)
        else:  # steps stand on hours and days: the first and the last are not whole
            assert abs(sum(whole) - fell) <= 2 * 72
    assert [kinds[h] for h in (1, 24, 480, 936)] == [0, 3600, 3600, 86_400]


def test_gaps_quality_and_the_band_of_a_step(at_now: Cast, client: Client) -> None:
    place = at_now.places["YL1"]
    device = register_device(SYSTEM, protocol="sl651", address=place.attributes["station"], place=place, now=NOW)
    number = open_series(SYSTEM, device=device, metric="voltage").id
    rows = [(number, ms(NOW - timedelta(minutes=m)), v, q) for m, v, q in
            ((100, 12.0, GOOD), (95, 12.5, GOOD), (20, 99.0, SUSPECT), (15, 12.25, MANUAL))]  # fmt: skip
    store_block(columns_of(rows), source="test", now=NOW)
    client.force_login(at_now.accounts["zhiban"])
    found = chart(client, series=number, **span(3))
    (line,) = found["lines"]
    assert line["v"] == [12.0, 12.5, None, 99.0, 12.25]
    assert (line["q"], line["n"][2], line["unit"]) == ([0, 0, 0, 3, 5], 0, "V")
    assert set(found["quality"]) == {"3", "5"}
    (day,) = chart(client, series=number, step="day", **span(3))["lines"]
    assert (day["low"], day["high"], day["doubtful"]) == ([12.0], [12.5], [1])


def test_who_sees_what_and_what_is_refused(at_now: Cast, client: Client) -> None:
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW, 1.0)], NOW)
    number = Series.objects.get().id
    assert client.get("/api/v1/readings/chart", {"place": "YL1"}).status_code == 401
    client.force_login(at_now.accounts["zhiban"])
    for query, field in (
        ({"place": "YL1", "step": "month"}, "step"),
        ({}, "place"),
        ({"place": ["YL1"] * 7}, "place"),
        ({"place": "YL1", "from": NOW.isoformat(), "to": NOW.isoformat()}, "from"),
        ({"place": "YL1", "from": "1800-01-01T00:00:00Z"}, "from"),
        ({"place": "YL1", "from": "yesterday"}, "from"),
    ):
        answer = client.get("/api/v1/readings/chart", query)
        assert (answer.status_code, answer.json()["field"]) == (422, field), query
    assert client.get("/api/v1/readings/chart", {"place": "YL2"}).status_code == 404  # it has no such series
    assert client.get("/api/v1/readings/chart", {"series": number + 1}).status_code == 404
    assert [one["id"] for one in client.get("/api/v1/series", {"place": "YL1"}).json()] == [number]
    client.force_login(at_now.accounts["dianshang"])  # another town
    assert client.get("/api/v1/readings/chart", {"place": "YL1"}).status_code == 404
    assert client.get("/api/v1/readings/chart", {"series": number}).status_code == 404
    assert client.get("/api/v1/series").json() == []
