"""The hot path from a true frame to Latest, blocks, quarantine, alarm: repeats, late and future readings, restarts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from anlan.base.places.models import Place
from anlan.kernel.modes import Mode
from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.sl651.encode import element, up_frame
from anlan.loop.alarms.judging import Judge
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.pipeline import Pipeline
from anlan.loop.sensing.blocks import FUTURE, MISSING, columns_of, pack, unpack
from anlan.loop.sensing.commands import register_device
from anlan.loop.sensing.models import Block, Latest, Quarantine, Series
from anlan.loop.sensing.queries import ms, truth
from anlan.loop.sensing.rain import rain_sums
from anlan.loop.sensing.router import readings_alias
from tests.cast import NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
SL651 = PROTOCOLS["sl651"]


@dataclass
class Gateway:
    """The pipeline of one gateway process, and the stations before it."""

    cast: Cast
    pipeline: Pipeline = field(default_factory=lambda: Pipeline(Judge(), Mode.DRILL))

    def start(self) -> None:
        self.pipeline = Pipeline(Judge(), Mode.DRILL)
        self.pipeline.load(NOW)
        self.pipeline.replan_from = 0.0

    def say(self, at: datetime, *, total: float | None = None, five: float | None = None, place: str = "YL1",
            now: datetime | None = None, password: str = "1234") -> bool:  # fmt: skip
        """A station reports at `at` what it measured then; whether it would be confirmed."""
        parts = [element("26", total, 3, 1)] if five is None else []
        parts += [element("22", five, 2, 1)] if five is not None else []
        station = str(self.cast.places[place].attributes["station"]) if place in self.cast.places else place
        frame = up_frame(station, "33", serial=at.minute + 1, sent=at, observed=at, elements=parts, password=password)
        heard = now or at
        accepted = self.pipeline.run("sl651", [SL651.read(frame, heard)], ["peer"], heard)
        self.pipeline.replan_from = 0.0
        self.pipeline.turn(heard)
        return accepted[0]


@pytest.fixture
def gateway(cast: Cast) -> Gateway:
    for code in ("YL1", "YL3"):
        place = cast.places[code]
        address = str(place.attributes["station"])
        register_device(SYSTEM, protocol="sl651", address=address, place=place, password="1234", now=NOW)
    made = Gateway(cast)
    made.start()
    return made


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def rained(place: Place, until: datetime) -> float | None:
    return rain_sums(SYSTEM, [place], {"1h": timedelta(hours=1)}, until)[place.id].by_window["1h"]


def newest(metric: str = "rain.accumulated") -> Latest:
    number = Series.objects.get(metric=metric).id
    return Latest.objects.using(readings_alias()).get(series=number)


def blocks() -> list[Block]:
    return list(Block.objects.using(readings_alias()).order_by("id"))


def danger() -> list[Alarm]:
    return list(Alarm.objects.filter(place__code="WX1").order_by("raised_at"))


def test_rain_over_the_limit_is_one_alarm_dated_by_its_reading(gateway: Gateway) -> None:
    for minute, total in ((0, 100.0), (5, 110.0), (10, 141.0)):
        assert gateway.say(minutes(minute), total=total)
    (alarm,) = danger()
    assert (alarm.level, alarm.raised_at) == (4, minutes(10))
    assert rained(gateway.cast.places["YL1"], minutes(10)) == pytest.approx(41.0)


def test_a_repeated_frame_is_confirmed_again_and_changes_nothing(gateway: Gateway) -> None:
    for minute, total in ((0, 100.0), (5, 115.0), (5, 115.0), (5, 115.0)):
        assert gateway.say(minutes(minute), total=total)
    assert rained(gateway.cast.places["YL1"], minutes(5)) == pytest.approx(15.0)
    assert danger() == []
    assert newest().value == 115.0


def test_a_late_reading_is_judged_where_it_belongs_and_never_becomes_the_latest(gateway: Gateway) -> None:
    gateway.say(minutes(0), total=100.0)
    gateway.say(minutes(90), total=141.0)
    # In one step of 90 minutes the whole 41 mm fell in the last hour as far as anybody knows.
    assert [alarm.level for alarm in danger()] == [4]
    gateway.say(minutes(20), total=140.0, now=minutes(95))
    assert newest().value == 141.0
    assert rained(gateway.cast.places["YL1"], minutes(90)) == pytest.approx(1.0)


def test_readings_out_of_order_end_as_if_they_had_come_in_order(gateway: Gateway) -> None:
    for minute, total in ((0, 100.0), (10, 120.0), (5, 110.0), (15, 141.0)):
        gateway.say(minutes(minute), total=total, now=minutes(15))
    (alarm,) = danger()
    assert alarm.level == 4
    assert rained(gateway.cast.places["YL1"], minutes(15)) == pytest.approx(41.0)


def test_a_reading_from_the_future_is_kept_and_neither_judged_nor_the_latest(gateway: Gateway) -> None:
    gateway.say(minutes(0), total=100.0)
    assert gateway.say(minutes(60), total=190.0, now=minutes(5))
    assert newest().value == 100.0
    assert danger() == []
    assert unpack(bytes(blocks()[-1].packed)).quality.tolist() == [FUTURE]


def test_a_gap_word_is_missing_not_zero(gateway: Gateway) -> None:
    gateway.say(minutes(0), total=100.0)
    assert gateway.say(minutes(5), total=None)
    assert (newest().value, newest().quality) == (None, MISSING)
    assert rained(gateway.cast.places["YL1"], minutes(5)) in (None, 0.0)


def test_an_unknown_station_and_a_wrong_password_are_quarantined_and_never_stored(gateway: Gateway) -> None:
    assert not gateway.say(minutes(0), total=500.0, place="9999000001")
    assert not gateway.say(minutes(1), total=500.0, place="9999000001")
    assert not gateway.say(minutes(2), total=500.0, password="9999")
    found = {(row.address, row.reason, row.count) for row in Quarantine.objects.all()}
    assert found == {("9999000001", "unknown", 2), ("1404270001", "password", 1)}
    assert blocks() == []
    assert not Series.objects.exists()


def test_accumulated_rain_counts_before_five_minute_rain(gateway: Gateway) -> None:
    place = gateway.cast.places["YL1"]
    gateway.say(minutes(0), five=1.0)
    number, source = truth(place, "rain") or (0, None)
    assert source is not None
    assert source.metric == "rain.five_minute"
    gateway.say(minutes(5), total=100.0)
    later, source = truth(place, "rain") or (0, None)
    assert source is not None
    assert source.metric == "rain.accumulated"
    assert later != number


def test_a_restart_replays_the_blocks_and_raises_nothing_twice(gateway: Gateway) -> None:
    gateway.say(minutes(0), total=100.0)
    gateway.say(minutes(5), total=141.0)
    gateway.pipeline.judge.snapshot(minutes(5))
    gateway.say(minutes(10), total=142.0)
    before = [(a.id, a.level) for a in danger()]
    gateway.start()
    gateway.pipeline.turn(minutes(11))
    assert [(a.id, a.level) for a in danger()] == before
    gateway.say(minutes(15), total=150.0)
    assert [(a.id, a.level) for a in danger()] == before
    assert rained(gateway.cast.places["YL1"], minutes(15)) == pytest.approx(50.0)


def test_what_was_said_before_the_plan_knew_the_station_is_judged_a_turn_later(gateway: Gateway) -> None:
    gateway.say(minutes(0), total=100.0)
    gateway.pipeline.replan_from = float("inf")  # many stations begin at once: the next plan must wait
    station = str(gateway.cast.places["YL3"].attributes["station"])
    for minute, total in ((0, 10.0), (5, 60.0)):
        at = minutes(minute)
        frame = up_frame(station, "33", serial=9, sent=at, observed=at, elements=[element("26", total, 3, 1)])
        assert gateway.pipeline.run("sl651", [SL651.read(frame, at)], ["peer"], at) == [True]
    assert not Alarm.objects.filter(place__code="WX2").exists()
    gateway.pipeline.replan_from = 0.0
    gateway.pipeline.turn(minutes(6))
    assert Alarm.objects.get(place__code="WX2").raised_at == minutes(5)


def test_columns_survive_packing() -> None:
    rows = [(1, ms(NOW), 1.5, 0), (2, ms(NOW) + 1, None, MISSING), (3, 0, -4.0, FUTURE)]
    back = unpack(pack(columns_of(rows)))
    assert back.series.tolist() == [1, 2, 3]
    assert back.times.tolist() == [row[1] for row in rows]
    assert back.quality.tolist() == [0, MISSING, FUTURE]
    assert back.values[0] == 1.5
    assert back.values[1] != back.values[1]
