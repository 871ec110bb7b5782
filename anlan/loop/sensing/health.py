"""Which devices are not well: silent, sending what is doubted, with a wrong clock, or not admitted; and one device's
series as they stand. Reads only; what is not known is None.

Never: a verdict that changes anything; rules raise alarms, people admit and repair.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.queries import area_names, full_name
from anlan.kernel.actor import Actor
from anlan.ui.language import say

from .blocks import FUTURE, GOOD, HELD, QUALITY_WORDS, SUSPECT, Columns
from .charts import FORECAST, metric_words, unit_of, visible_series
from .chunks import DAY_MS
from .models import Device, Latest, Series
from .queries import device_states, moment, ms, stale_after
from .queries_devices import contacts, waiting_quarantine
from .reader import SHORT_MS, stored_readings
from .router import readings_alias
from .words import clock_wrong, offset_word

SHORT = {SUSPECT: "可疑", HELD: "待证实", FUTURE: "时间超前"}
DOUBTED = tuple(SHORT)
KINDS = {"silent": "静默", "suspect": "数据可疑", "clock": "时钟不对", "quarantine": "未登记"}
REASONS = {"unknown": "未登记", "password": "口令不符"}


@dataclass(frozen=True)
class Unwell:
    """One device or stranger and what is wrong with it. heard: the last time, None = never."""

    kind: str
    name: str
    address: str
    protocol: str
    town: str
    heard: datetime | None
    why: str
    url: str

    @property
    def words(self) -> str:
        return say(KINDS[self.kind])


@dataclass(frozen=True)
class SeriesState:
    """One element of a device: its newest value with age and quality, and its last day."""

    number: int
    name: str
    unit: str
    value: float | None
    at: datetime | None
    known: bool
    quality: str
    readings: int
    expected: int | None
    gaps: int
    longest_min: int
    doubtful: int


def doubts(numbers: Iterable[int], now: datetime) -> dict[int, dict[int, int]]:
    """By series: how many of the last day's readings have which quality that does not count, those without left out."""
    found = stored_readings(numbers, ms(now) - DAY_MS, ms(now) + SHORT_MS - DAY_MS)  # as far as the runs go
    out: dict[int, dict[int, int]] = {}
    mask = np.isin(found.quality, DOUBTED)
    for series, quality in zip(found.series[mask].tolist(), found.quality[mask].tolist(), strict=True):
        mine = out.setdefault(series, {})
        mine[quality] = mine.get(quality, 0) + 1
    return out


def unwell(actor: Actor, now: datetime) -> list[Unwell]:
    """Everything that is wrong with devices that the actor sees, the longest unheard first; one row a fault."""
    found: list[Unwell] = []
    names = area_names()
    states, touch = device_states(actor, now), contacts()
    devices = {d.id: d for d in Device.objects.visible_to(actor).filter(disabled_at=None).select_related("place")}
    measured = Series.objects.filter(device__in=devices).exclude(metric__endswith=FORECAST)
    series = dict(measured.values_list("id", "device_id"))
    doubted = doubts(series, now)
    by_device: dict[UUID, list[tuple[int, dict[int, int]]]] = {}
    for number, counts in doubted.items():
        by_device.setdefault(series[number], []).append((number, counts))
    metrics = dict(Series.objects.filter(id__in=doubted).values_list("id", "metric"))
    for one in devices.values():
        state = states.get(one.id)
        heard = state.at if state else None

        def row(kind: str, why: str, one: Device = one, heard: datetime | None = heard) -> Unwell:
            town = full_name(one.place.area_code, names)
            return Unwell(kind, one.place.name, one.address, one.protocol, town, heard, why,
                          reverse("device", args=[one.id]))  # fmt: skip

        if state is None or not state.known:
            found.append(row("silent", _("超过三个报送间隔没有数据") if heard else _("从未收到数据")))
        for number, counts in by_device.get(one.id, []):
            said = "; ".join(f"{say(SHORT[quality])} {n}" for quality, n in sorted(counts.items()))
            found.append(row("suspect", f"{metric_words(metrics[number])}: {said}"))
        if clock_wrong(touch.get(one.id)):
            found.append(row("clock", offset_word(touch.get(one.id))))
    for stranger in waiting_quarantine(actor):
        why = say(REASONS.get(stranger.reason, stranger.reason))
        found.append(
            Unwell("quarantine", _("未登记站"), stranger.address, stranger.protocol, "", stranger.last_seen, why,
                   reverse("device-unknown", args=[stranger.id]))
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.heard is not None, one.heard or now, one.address, one.kind))


def series_states(actor: Actor, device: Device, now: datetime) -> list[SeriesState]:
    """Each element that a device sends: newest value, and how the last day went. expected: None = no interval known."""
    rows = list(visible_series(actor).filter(device=device).exclude(metric__endswith=FORECAST).order_by("id"))
    newest = {row.series: row for row in Latest.objects.using(readings_alias()).filter(series__in=[r.id for r in rows])}
    day = stored_readings([row.id for row in rows], ms(now) - DAY_MS, ms(now))
    interval = device.place.attributes.get("interval_min")
    return [_state(row, newest.get(row.id), day, device, interval, now) for row in rows]


def _state(
    row: Series, newest: Latest | None, day: Columns, device: Device, interval: float | None, now: datetime
) -> SeriesState:
    mine = day.series == row.id
    times, quality = day.times[mine], day.quality[mine]
    limit = stale_after(device.place)
    apart = np.diff(np.concatenate(([ms(now) - DAY_MS], times, [ms(now)])))
    long = apart > limit / timedelta(milliseconds=1)
    at = None if newest is None else moment(newest.at_ms)
    said = "" if newest is None or newest.quality == GOOD else say(QUALITY_WORDS[newest.quality])
    return SeriesState(
        number=row.id, name=metric_words(row.metric), unit=unit_of(row.metric),
        value=newest.value if newest else None, at=at, known=at is not None and now - at <= limit, quality=said,
        readings=len(times), expected=round(1440 / float(interval)) if interval else None,
        gaps=int(long.sum()), longest_min=round(int(apart.max()) / 60_000),
        doubtful=int(np.isin(quality, DOUBTED).sum()),
    )  # fmt: skip
