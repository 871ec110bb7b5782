"""What `readings.py` runs in a site's folder: lay the store, ask for charts as a page does, fold an hour, tell it."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import django

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from anlan.base.people.commands import create_account  # noqa: E402
from anlan.base.places.commands import NewPlace, create_places, import_areas  # noqa: E402
from anlan.kernel.actor import system_actor  # noqa: E402
from anlan.loop.sensing import folding  # noqa: E402
from anlan.loop.sensing.blocks import GOOD, Columns  # noqa: E402
from anlan.loop.sensing.chunks import DAY_MS, by_day, pack_chunk  # noqa: E402
from anlan.loop.sensing.commands import store_block  # noqa: E402
from anlan.loop.sensing.models import Chunk, Device, Folding, RollUp, Series  # noqa: E402
from anlan.loop.sensing.rollups import PERIOD_DAYS, STEPS, Counting, pack_steps, steps_of  # noqa: E402
from anlan.loop.sensing.router import readings_alias  # noqa: E402

STEP_MS = 300_000
A_DAY = DAY_MS // STEP_MS
RAIN = Counting(100, True, 1_000_000, 50_000)
ASKED = 40
FOLD_SERIES, FOLD_BLOCKS = 1000, 360  # an hour of a thousand gauges that say three things each five minutes
ALIAS = readings_alias()
SYSTEM = system_actor("bench", settings.CONFIG.mode)


def lay_names(count: int, now: datetime) -> tuple[list[str], list[int]]:
    """Area, gauges (rain) and river stations (stage), a device and a series each; codes and series numbers."""
    area = [{"code": "140427000000", "name": "壶关县", "level": "county", "parent_code": ""}]
    import_areas(SYSTEM, area, valid_from=now.date() - timedelta(days=2), now=now)
    kinds = [
        ("rain_gauge", "rain.accumulated", {"station": "", "interval_min": 5}),
        ("river_station", "stage", {"station": "", "interval_min": 5, "warning_stage": 4.0, "guarantee_stage": 5.0}),
    ]
    places = [NewPlace(f"B{n}", f"站{n}", kinds[n % 2][0], "140427", 113.2, 36.1,
                       {**kinds[n % 2][2], "station": f"{n:010d}"}, synthetic=True) for n in range(count)]  # fmt: skip
    made = {place.code: place for place in create_places(SYSTEM, places, now=now)}
    devices = Device.objects.bulk_create(
        [Device(protocol="sl651", address=f"{n:010d}", place=made[f"B{n}"], mode=settings.CONFIG.mode, admitted_at=now)
         for n in range(count)], batch_size=200)  # fmt: skip
    series = Series.objects.bulk_create(
        [Series(device=device, metric=kinds[n % 2][1]) for n, device in enumerate(devices)], batch_size=200
    )
    return [place.code for place in places], [one.id for one in series]


def year(number: int, kind: int, first_day: int, days: int, chooser: np.random.Generator) -> Columns:
    """A series of five-minute readings: a running total with showers, or a stage that wanders."""
    size = days * A_DAY
    times = np.arange(1, size + 1, dtype=np.int64) * STEP_MS + first_day * DAY_MS
    if kind == 0:
        wet = np.repeat(chooser.random(size // 24 + 1) < 0.08, 24)[:size]
        values = np.cumsum(wet * np.rint(chooser.gamma(0.6, 1.0, size) * 2) / 2) % 10_000
    else:
        values = np.round(2.5 + np.cumsum(chooser.normal(0, 0.01, size)), 2)
    return Columns(np.full(size, number, np.int32), times, values, np.zeros(size, np.int8))


def lay_store(series: list[int], first_day: int, days: int) -> None:
    chooser = np.random.default_rng(7)
    for position, number in enumerate(series):
        whole = year(number, position % 2, first_day, days, chooser)
        chunks = [
            Chunk(series=number, day=day, count=len(rows), packed=pack_chunk(rows)) for _s, day, rows in by_day(whole)
        ]
        with transaction.atomic(using=ALIAS):
            Chunk.objects.using(ALIAS).bulk_create(chunks, batch_size=100)
            RollUp.objects.using(ALIAS).bulk_create(list(rolled(number, whole, RAIN if position % 2 == 0 else None)))
    Folding.objects.using(ALIAS).create(block=0, blocks_from=datetime.now(UTC))


def rolled(number: int, whole: Columns, counting: Counting | None) -> Iterator[RollUp]:
    for step, length in STEPS.items():
        steps = steps_of(whole, length, counting, None)
        periods = (steps.number * length - 1) // DAY_MS // PERIOD_DAYS[step]
        for period in np.unique(periods).tolist():
            mine = steps.take(periods == period)
            yield RollUp(series=number, step=step, period=period, count=len(mine), packed=pack_steps(mine))


def timed(act: Callable[[int], object], times: int) -> list[float]:
    out = []
    for n in range(times):
        begin = time.perf_counter()
        act(n)
        out.append((time.perf_counter() - begin) * 1000)
    return out


def figures(waits: list[float]) -> str:
    ordered = sorted(waits)
    return f"{median(ordered):,.0f} | {ordered[int(len(ordered) * 0.95)]:,.0f} | {ordered[-1]:,.0f}"


def charts(codes: list[str], end: datetime) -> Iterator[str]:
    """Each chart of other places than the one before, over HTTP's own path without a socket."""
    create_account(SYSTEM, username="bench", password="of-the-bench-1", title="bench", role="duty_officer",
                   area_code="140427", now=end - timedelta(days=1))  # fmt: skip
    client = Client()
    client.login(username="bench", password="of-the-bench-1")

    def ask(kind: int, many: int, days: float, n: int) -> None:
        chosen = [codes[(2 * (n * 7 + i * 13) + kind) % len(codes)] for i in range(many)]
        query = {"place": chosen, "metric": ("rain", "stage")[kind], "to": end.isoformat(),
                 "from": (end - timedelta(days=days)).isoformat()}  # fmt: skip
        answer = client.get("/api/v1/readings/chart", query)
        assert answer.status_code == 200, answer.content
        assert all(len(line["t"]) > 1 for line in answer.json()["lines"]), answer.content[:600]

    ask(0, 1, 1, 0)
    yield "| chart (one request, answered as JSON) | points a line | p50 ms | p95 ms | most ms |"
    yield "|---|---|---|---|---|"
    for words, kind, many, days, size in (
        ("a day of a gauge's rain", 0, 1, 1, 24), ("**a day of a stage**", 1, 1, 1, 288),
        ("a week of a stage", 1, 1, 7, 2016),
        ("90 days of a stage", 1, 1, 90, 2160), ("**a year of a stage**", 1, 1, 364, 364),
        ("a year of a gauge's rain", 0, 1, 364, 364), ("a day of six stages", 1, 6, 1, 288),
        ("a year of six stages", 1, 6, 364, 364),
    ):  # fmt: skip
        yield f"| {words} | {size} | {figures(timed(partial(ask, kind, many, days), ASKED))} |"


def fold_an_hour(now: datetime) -> Iterator[str]:
    """True blocks of an hour, folded; each write transaction timed, from BEGIN to COMMIT."""
    first = 10_000_000
    chooser = np.random.default_rng(3)
    each = FOLD_SERIES * 3 * 12 // FOLD_BLOCKS
    base = round(now.timestamp() * 1000) // DAY_MS * DAY_MS
    for block in range(FOLD_BLOCKS):
        series = first + (np.arange(each) + block * each) % (FOLD_SERIES * 3)
        times = base + (1 + block * each // (FOLD_SERIES * 3)) * STEP_MS + np.zeros(each, np.int64)
        columns = Columns(
            series.astype(np.int32), times, np.round(chooser.random(each) * 10, 1), np.full(each, GOOD, np.int8)
        )
        store_block(columns, source="bench", now=now)
    waits: list[float] = []
    real = transaction.Atomic.__exit__
    begun = transaction.Atomic.__enter__
    marks: list[float] = []

    def enter(self: transaction.Atomic) -> None:
        begun(self)
        marks.append(time.perf_counter())

    def leave(self: transaction.Atomic, *args: object) -> None:
        real(self, *args)  # type: ignore[arg-type]
        waits.append((time.perf_counter() - marks.pop()) * 1000)

    transaction.Atomic.__enter__, transaction.Atomic.__exit__ = enter, leave  # type: ignore[method-assign]
    begin = time.perf_counter()
    while folding.fold(now):
        pass
    took = time.perf_counter() - begin
    begin = time.perf_counter()
    while folding.roll_up(now + timedelta(days=2)):
        pass
    rolled_up = time.perf_counter() - begin
    readings = FOLD_BLOCKS * each
    yield (
        f"Folding {readings:,} readings of {3 * FOLD_SERIES:,} series out of {FOLD_BLOCKS} blocks took {took:.1f} s, "
        f"rolling up their day {rolled_up:.1f} s; {len(waits)} write transactions, p50 {median(waits):.0f} ms, most "
        f"**{max(waits):.0f} ms**."
    )


def main() -> None:
    readings, days = int(sys.argv[1]), int(sys.argv[2])
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = round(end.timestamp() * 1000) // DAY_MS - days
    codes, series = lay_names(max(readings // (days * A_DAY), 12) // 2 * 2, end - timedelta(days=1))
    begin = time.perf_counter()
    lay_store(series, first_day, days)
    laid = time.perf_counter() - begin
    held = folding.kept()
    file = settings.CONFIG.data / "readings.sqlite3"
    size = sum(path.stat().st_size for path in Path(file.parent).glob("readings.sqlite3*"))
    each = held.chunk_bytes / held.readings, held.roll_up_bytes / held.readings, size / held.readings
    print(
        f"{held.readings:,} readings of {len(series):,} series over {days} days, laid in {laid:.0f} s. Chunks "
        f"**{each[0]:.2f} bytes a reading**, roll-ups {each[1]:.2f}; the file with pages and indexes {each[2]:.2f} "
        f"({size / 1e6:,.0f} MB).\n"
    )
    for line in charts(codes, end):
        print(line, flush=True)
    print()
    for line in fold_an_hour(end):
        print(line)


if __name__ == "__main__":
    main()
