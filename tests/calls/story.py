"""What the tests of calls tell: an alarm, the worker's rounds, how people answer."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from anlan.base.journal.sealing import seal_batch
from anlan.base.journal.subscriptions import deliver_all
from anlan.base.people.models import Person
from anlan.loop.alarms import commands as alarms
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.rules import RuleFacts
from anlan.loop.calls import commands
from anlan.loop.calls.models import Call, Campaign
from anlan.site.dialer import poll, turn
from tests.cast import NOW, SYSTEM, Cast
from tools.phones.tests.conftest import Phones

RAIN = RuleFacts("urn:anlan:rules:danger_rain", "ref", "危险区雨量", "flash_flood", "signed", 3)


def alarm_at(cast: Cast, level: int = 4, at: datetime = NOW) -> Alarm:
    return alarms.raise_alarm(
        SYSTEM, rule=RAIN, place=cast.places["WX1"], level=level, true_at=at, known_at=at, evidence={}, now=at
    )


def news() -> None:
    while seal_batch():
        pass
    deliver_all()


def run(phones: Phones, until: Callable[[], bool], callback: str = "", timeout_s: float = 40) -> None:
    """The worker's rounds until something is true; with a callback nothing is polled."""
    channel, end = phones.channel(), time.monotonic() + timeout_s
    with ThreadPoolExecutor(4) as pool:
        while not until():
            assert time.monotonic() < end, [(c.stage, c.posts, c.due_at) for c in Call.objects.all()]
            news()
            turn(channel, phones.clock, pool, callback)
            if not callback:
                poll(channel, phones.clock)
            time.sleep(0.05)


def everybody(phones: Phones, kind: str, but: dict[str, str] | None = None) -> None:
    for person in Person.objects.exclude(phone=""):
        phones.owner(person.phone, (but or {}).get(str(person.id), kind))


def expanded(alarm: Alarm, now: datetime = NOW) -> Campaign:
    campaign = commands.open_campaign(SYSTEM, alarm, now=now)
    assert campaign is not None
    for want in campaign.wants.all():
        commands.expand(SYSTEM, want, now=now)
    return campaign
