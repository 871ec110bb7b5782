"""A night in full swing for tests of pages and API: an alarm with its incident, people being called, tasks in hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings

from anlan.base.people.models import Account
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.kernel.clock import SiteClock
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.rules import RuleFacts
from anlan.loop.calls import commands as calls
from anlan.loop.calls.models import Call, Campaign
from anlan.loop.sensing.blocks import columns_of
from anlan.loop.sensing.commands import open_series, register_device, store_block
from anlan.loop.sensing.latest import derive_latest

from .cast import NOW, SYSTEM, Cast

RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
LATER = NOW + timedelta(minutes=1)


@dataclass(frozen=True)
class Scene:
    """What happens in 安口村 (石坡乡), and one alarm in 店上镇.

    owed: a task of the village head, nothing asked; handed_in: one of theirs that waits for verification.
    """

    cast: Cast
    alarm: Alarm
    eased: Alarm
    elsewhere: Alarm
    incident: Incident
    campaign: Campaign
    call: Call
    owed: Task
    handed_in: Task


def make_scene(cast: Cast) -> Scene:
    """Play it in the test database."""
    alarm = _raise(cast, "WX1", 4)
    elsewhere = _raise(cast, "WX2", 3)
    eased = _raise(cast, "YL1", 3)
    alarms.ease(SYSTEM, eased, true_at=LATER, now=LATER)
    campaign = calls.open_campaign(SYSTEM, alarm, now=NOW)
    assert campaign is not None
    for want in campaign.wants.all():
        calls.expand(SYSTEM, want, now=NOW)
    handed_in = _task(cast, "handed_in")
    tasks.submit(cast.actor("cunzhang"), handed_in, now=NOW)
    assert alarm.incident is not None
    return Scene(
        cast=cast,
        alarm=alarm,
        eased=eased,
        elsewhere=elsewhere,
        incident=alarm.incident,
        campaign=campaign,
        call=campaign.calls.get(person=cast.persons["head"]),
        owed=_task(cast, "owed"),
        handed_in=handed_in,
    )


def _raise(cast: Cast, place: str, level: int) -> Alarm:
    return alarms.raise_alarm(
        SYSTEM,
        rule=RAIN,
        place=cast.places[place],
        level=level,
        true_at=NOW,
        known_at=NOW,
        evidence={"value": 41.0, "limit": 40.0, "unit": "mm", "span": "1h"},
        now=NOW,
    )


def _task(cast: Cast, origin: str) -> Task:
    return tasks.assign(
        SYSTEM,
        kind="door",
        title=f"上门叫醒 安口村监测员 {origin}",
        post=cast.posts["village:140427203204"],
        person=cast.persons["head"],
        area_code="140427203204",
        origin=origin,
        due_at=NOW + timedelta(minutes=15),
        people_at_risk=438,
        now=NOW,
    )


def let_it_rain(cast: Cast) -> None:
    """Two readings of gauge YL1: 1.5 mm fell between them; YL3 is admitted and has never been heard."""
    device = register_device(SYSTEM, protocol="sl651", address="1404270001", place=cast.places["YL1"], now=NOW)
    register_device(SYSTEM, protocol="sl651", address="1404270003", place=cast.places["YL3"], now=NOW)
    series = open_series(SYSTEM, device=device, metric="rain.accumulated")
    first, second = (round((NOW - timedelta(minutes=m)).timestamp() * 1000) for m in (10, 5))
    columns = columns_of([(series.id, first, 100.0, 0), (series.id, second, 101.5, 0)])
    store_block(columns, source="test", now=NOW)
    derive_latest()


@contextmanager
def site_at_now() -> Iterator[None]:
    """The site's clock stands at NOW, whatever the machine's calendar says."""
    path = settings.CONFIG.data / "clock.json"
    SiteClock(path).start(LATER.timestamp(), 1.0)
    try:
        yield
    finally:
        path.unlink()


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of ours, to compare before and after. Logins and sessions are not ours."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model.__module__.startswith("anlan.") and model is not Account
    }
