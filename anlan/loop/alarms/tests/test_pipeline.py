"""The hot path on a real database: what may be acknowledged, what is judged, and what a failure or a stop leaves."""

import random
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections

from anlan.base.journal.models import Entry
from anlan.loop.alarms.commands import clear
from anlan.loop.alarms.models import Alarm, Incident
from anlan.loop.alarms.pipeline import AHEAD
from anlan.loop.alarms.tests.stations import Said, Told, admit, at, run, says, standing, started
from anlan.loop.sensing.blocks import FUTURE, unpack
from anlan.loop.sensing.models import Block, Latest, Quarantine, Series
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.router import readings_alias
from tests.cast import NOW, Cast
from tests.fail import refuse_writes

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]

# 安口村: 25 mm in an hour is orange, 40 is red. 21 mm is yellow (0.8 × 25), 26 orange, 41 red.
STORM = [says(1, -30, 100.0), says(1, -20, 121.0), says(1, -10, 126.0), says(1, 0, 141.0)]


@pytest.fixture
def admitted(cast: Cast) -> Cast:
    admit(cast)
    return cast


def stored() -> int:
    return sum(Block.objects.using(readings_alias()).values_list("count", flat=True))


def newest() -> list[float]:
    return sorted(v for v in Latest.objects.using(readings_alias()).values_list("value", flat=True) if v is not None)


def lines() -> list[str]:
    return list(Entry.objects.filter(kind__startswith="alarms.").order_by("id").values_list("kind", flat=True))


def test_a_storm_raises_one_alarm_and_steps_it(admitted: Cast) -> None:
    pipeline = started()
    for n, message in enumerate(STORM):
        assert run(pipeline, [message], at(-30 + 10 * n)) == [True]
    assert standing() == [("WX1", 4, "active")]
    assert lines() == ["alarms.raised", "alarms.level_raised", "alarms.level_raised"]
    alarm = Alarm.objects.get()
    assert (alarm.raised_at, alarm.level_at) == (at(-20), NOW)
    assert alarm.evidence["value"] == 41.0
    assert Incident.objects.get().level == 4


def test_the_same_messages_again_change_nothing(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, STORM)
    once = (list(Alarm.objects.values()), list(Latest.objects.using(readings_alias()).values()), Entry.objects.count())
    for again in (STORM, STORM[::-1], STORM[1:2]):
        assert run(pipeline, again) == [True] * len(again)
    assert (
        list(Alarm.objects.values()), list(Latest.objects.using(readings_alias()).values()), Entry.objects.count()
    ) == once  # fmt: skip


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_arrival_decides_nothing(admitted: Cast, seed: int, one_by_one: bool) -> None:
    mixed = [*STORM, says(1, -20, 121.0), says(2, -30, 0.0), says(2, -10, 9.0)]
    random.Random(seed).shuffle(mixed)
    pipeline, ordered = started(), started()
    for batch in [[message] for message in mixed] if one_by_one else [mixed]:
        run(pipeline, batch)
    assert standing() == [("WX1", 4, "active")]
    assert dict(Latest.objects.using(readings_alias()).values_list("series", "value")) == {
        Series.objects.get(device__address="1404270001").id: 141.0,
        Series.objects.get(device__address="1404270002").id: 9.0,
    }
    ordered.load(NOW)
    for case in range(len(ordered.judge.plan.cases)):
        steps, plain = (
            [(s.true_at, s.level_from, s.level_to) for s in p.judge.kernel.cases.steps(case)]
            for p in (pipeline, ordered)
        )
        assert steps == plain
    wx1 = next(n for n, case in enumerate(pipeline.judge.plan.cases) if case.place == str(admitted.places["WX1"].id))
    assert [(s.true_at, s.level_to) for s in pipeline.judge.kernel.cases.steps(wx1)] == [
        (ms(at(-20)), 2), (ms(at(-10)), 3), (ms(NOW), 4)
    ]  # fmt: skip


def test_a_late_reading_is_judged_at_its_own_time(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, [says(1, -50, 15.0, "rain.five_minute"), says(1, -5, 12.0, "rain.five_minute")], at(-5))
    assert standing() == [("WX1", 3, "active")]
    run(pipeline, [says(1, -30, 14.0, "rain.five_minute")], at(200))
    # 15 + 14 + 12 mm inside one hour at -5: red then, which nobody could know until now.
    alarm = Alarm.objects.get()
    assert (alarm.level, alarm.level_at) == (4, at(-5))
    assert Latest.objects.using(readings_alias()).get().at_ms == ms(at(-5))


def test_a_reading_later_than_the_horizon_is_kept_and_not_judged(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, [says(1, 0, 0.0, "rain.five_minute")])
    assert run(pipeline, [says(1, -27 * 60, 99.0, "rain.five_minute")]) == [True]
    assert (stored(), pipeline.judge.kernel.stale, standing()) == (2, 1, [])


def test_a_corrected_reading_takes_the_alarm_back_with_a_note(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, [says(1, -10, 100.0), says(1, 0, 141.0)])
    assert standing() == [("WX1", 4, "active")]
    run(pipeline, [says(1, 0, 100.5)], at(1))
    assert standing() == [("WX1", 4, "eased")]  # red is lifted by a signature, never by itself
    assert "迟到的数据" in Alarm.objects.get().note
    assert lines() == ["alarms.raised", "alarms.annotated", "alarms.eased"]


def test_a_reading_dated_in_the_future_is_kept_and_not_judged(admitted: Cast) -> None:
    pipeline = started()
    ahead = AHEAD.total_seconds() / 60
    assert run(pipeline, [says(1, -5, 100.0), says(1, ahead + 1, 150.0)]) == [True, True]
    assert standing() == []
    assert Latest.objects.using(readings_alias()).get().value == 100.0
    block = unpack(bytes(Block.objects.using(readings_alias()).latest("id").packed))
    assert block.quality.tolist() == [0, FUTURE]
    run(pipeline, [says(1, ahead, 141.0)])  # a clock that is a little fast is believed
    assert standing() == [("WX1", 4, "active")]


def test_accumulated_before_five_minute_before_current_and_never_added(admitted: Cast) -> None:
    pipeline = started()
    told = [
        Told("1404270001", str(minutes), [
            Said("rain.current", ms(at(minutes)), current),
            Said("rain.five_minute", ms(at(minutes)), five),
            Said("rain.accumulated", ms(at(minutes)), accumulated),
        ])
        for minutes, current, five, accumulated in [(-10, 0.0, 0.0, 100.0), (0, 19.0, 19.0, 119.0)]
    ]  # fmt: skip
    run(pipeline, told)
    assert standing() == []  # 19 mm, three times told, is 19 mm
    assert len(pipeline.judge.plan.feeds) == 1
    run(pipeline, [says(1, 1, 900.0, "rain.current"), says(1, 1, 90.0, "rain.five_minute")])
    assert standing() == []
    run(pipeline, [says(2, -10, 0.0, "rain.current"), says(2, 0, 26.0, "rain.current")])
    assert standing() == [("WX1", 3, "active")]


def test_an_unknown_station_is_never_stored_nor_judged(admitted: Cast) -> None:
    pipeline = started()
    stranger = [
        Told("999900000a", str(n), [Said("rain.accumulated", ms(at(n)), 50.0 * n)], raw=bytes([n])) for n in (1, 2)
    ]
    assert run(pipeline, [*stranger, STORM[0]], NOW) == [False, False, True]
    run(pipeline, stranger[:1], at(5))
    assert (stored(), standing(), Series.objects.count()) == (1, [], 1)
    kept = Quarantine.objects.get()
    assert (kept.address, kept.reason, kept.count, kept.last_frame) == ("999900000A", "unknown", 3, "01")
    assert (kept.first_seen, kept.last_seen, kept.peer) == (NOW, at(5), "10.0.0.8:4711")
    assert Entry.objects.filter(kind="sensing.quarantined").count() == 1


def test_a_wrong_password_is_quarantined_and_the_right_one_is_heard(admitted: Cast) -> None:
    pipeline = started()
    wrong = says(3, -10, 100.0)
    assert run(pipeline, [wrong]) == [False]
    assert (stored(), Quarantine.objects.get().reason) == (0, "password")
    right = says(3, -10, 100.0)
    right.password = "abcd"
    assert run(pipeline, [right]) == [True]
    assert stored() == 1


def test_a_broken_message_is_neither_stored_nor_acknowledged_nor_a_stranger(admitted: Cast) -> None:
    broken = says(1, 0, 141.0)
    broken.error = "checksum at byte 61"
    assert run(started(), [STORM[0], broken]) == [True, False]
    assert (stored(), Quarantine.objects.count()) == (1, 0)


def test_a_value_that_is_missing_keeps_the_rest_of_its_message(admitted: Cast) -> None:
    pipeline = started()
    samples = [Said("voltage", ms(NOW), None), Said("rain.accumulated", ms(NOW), 141.0), Said("stage", ms(NOW), None)]
    assert run(pipeline, [STORM[0], Told("1404270001", "k", samples)]) == [True, True]
    assert standing() == [("WX1", 4, "active")]
    values = dict(Latest.objects.using(readings_alias()).values_list("series", "value"))
    assert sorted(values.values(), key=str) == [141.0, None, None]


def test_nothing_is_acknowledged_or_raised_that_was_not_committed(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, STORM[:1])
    with refuse_writes("sensing_block", connections[readings_alias()]):
        for _again in range(2):
            with pytest.raises(DatabaseError):
                run(pipeline, STORM[1:])
            pipeline.turn(NOW)
    assert (stored(), standing()) == (1, [])
    assert Latest.objects.using(readings_alias()).get().value == 100.0
    assert run(pipeline, STORM[1:]) == [True] * 3  # the stations send again
    assert (stored(), standing()) == (4, [("WX1", 4, "active")])
    assert Latest.objects.using(readings_alias()).get().value == 141.0


@pytest.mark.parametrize("stopped", [False, True])
def test_newest_values_that_could_not_be_written_hold_nothing_up_and_come_later(admitted: Cast, stopped: bool) -> None:
    """stopped: the gateway dies before it could write them; they follow from the blocks behind the mark."""
    pipeline = started()
    run(pipeline, [*STORM[:1], says(2, -30, 7.0)])
    with refuse_writes("sensing_latest", connections[readings_alias()]):
        assert run(pipeline, STORM[1:]) == [True] * 3
        assert (stored(), standing()) == (5, [("WX1", 4, "active")])
        assert newest() == [7.0, 100.0]
    if stopped:
        pipeline = started()
    pipeline.turn(NOW)
    assert newest() == [7.0, 141.0]
    run(pipeline, [says(1, -25, 110.0)])
    assert newest() == [7.0, 141.0]


def test_a_stored_reading_is_acknowledged_even_when_its_alarm_must_wait(admitted: Cast) -> None:
    pipeline = started()
    with refuse_writes("alarms_alarm", connection):
        assert run(pipeline, STORM) == [True] * 4
        assert (stored(), standing(), lines()) == (4, [], [])
    pipeline.turn(at(1))
    assert standing() == [("WX1", 4, "active")]
    assert lines() == ["alarms.raised"]


@pytest.mark.parametrize(("first", "other"), [("WX1", "WX2"), ("WX2", "WX1")])
def test_an_alarm_that_cannot_be_raised_does_not_hold_back_the_others(
    admitted: Cast, first: str, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with one place: every other place's alarm is raised in the same turn."""
    pipeline = started()
    storms = [says(n, minutes, value) for n in (1, 3) for minutes, value in ((-10, 100.0), (0, 141.0))]
    for message in storms:
        message.password = "ABCD"
    with refuse_writes("alarms_alarm", connection, f"NEW.area_code = '{admitted.places[first].area_code}'"):
        assert run(pipeline, storms) == [True] * 4
        assert standing() == [(other, 4, "active")]
        pipeline.turn(at(0.5))
        assert sum("could not be brought up to date" in line for line in caplog.messages) == 1  # said once, tried twice
    pipeline.turn(at(1))
    assert standing() == [("WX1", 4, "active"), ("WX2", 4, "active")]


def test_rain_that_goes_on_rising_after_an_early_lifting_raises_anew(admitted: Cast) -> None:
    """Lifted by hand at orange as a false alarm: orange stays lifted, red is another matter."""
    pipeline = started(at(-30))
    run(pipeline, STORM[:3], at(-10))
    clear(admitted.actor("zhiban"), Alarm.objects.get(), reason="站点误报", now=at(-9))
    for _again in range(2):
        run(pipeline, [says(1, -8, 126.5)], at(-8))
        pipeline = started(at(-7))
        assert standing() == [("WX1", 3, "cleared")]
    run(pipeline, STORM[3:])
    pipeline = started(at(1))
    assert standing() == [("WX1", 3, "cleared"), ("WX1", 4, "active")]
    assert lines().count("alarms.raised") == 2
    clear(admitted.actor("zhiban"), Alarm.objects.open().get(), reason="站点误报", now=at(2))
    run(pipeline, [says(1, 3, 142.0)], at(3))
    assert [state for _place, _level, state in standing()] == ["cleared", "cleared"]


def test_silence_is_raised_by_the_clock_and_ended_by_the_next_word(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, STORM[:1], at(-30))
    for minutes in (-15, -14.9):
        pipeline.judge.tick(at(minutes))
        pipeline.turn(at(minutes))
        assert standing() == ([] if minutes == -15 else [("YL1", 1, "active")])
    run(pipeline, [says(1, -14, 100.0)], at(-14))
    assert standing() == [("YL1", 1, "cleared")]


@pytest.mark.parametrize("snapshot_after", [None, 1, 2, 4])
def test_a_restart_raises_nothing_twice(admitted: Cast, snapshot_after: int | None) -> None:
    """Started anew after each message, from a snapshot or from the blocks alone, it ends like one that ran on."""
    pipeline = started(at(-30))
    for n, message in enumerate(STORM, 1):
        now = at(-40 + 10 * n)
        run(pipeline, [message], now)
        if n == snapshot_after:
            pipeline.judge.snapshot(now)
        before = (list(Alarm.objects.values()), lines())
        pipeline = started(now)
        assert (list(Alarm.objects.values()), lines()) == before
    assert standing() == [("WX1", 4, "active")]
    assert lines() == ["alarms.raised", "alarms.level_raised", "alarms.level_raised"]


def test_a_stop_between_the_commit_and_the_alarm_loses_no_alarm(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, STORM[:1])
    pipeline.judge.snapshot(NOW)
    with refuse_writes("alarms_alarm", connection):
        run(pipeline, STORM[1:])
    del pipeline
    started(NOW + timedelta(minutes=1))
    assert standing() == [("WX1", 4, "active")]
