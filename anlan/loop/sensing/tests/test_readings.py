"""What is stored is what is read: repeats, disorder, roll-over, gaps, and which element of a station counts."""

import random
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connections

from anlan.base.places.models import Place
from anlan.kernel.errors import Invalid
from anlan.loop.sensing import reader
from anlan.loop.sensing.blocks import FUTURE, GOOD, MISSING, columns_of
from anlan.loop.sensing.commands import (
    KEEP_FRAME,
    KEEP_SNAPSHOTS,
    open_series,
    quarantine,
    register_device,
    store_block,
    store_snapshot,
)
from anlan.loop.sensing.latest import derive_latest
from anlan.loop.sensing.models import Block, Latest, Quarantine, Snapshot
from anlan.loop.sensing.queries import latest_values, ms, place_values
from anlan.loop.sensing.rain import rain_sums
from anlan.loop.sensing.reader import Runs, readings_between
from anlan.loop.sensing.router import readings_alias
from anlan.loop.sensing.tests.feed import SYSTEM, hear
from tests.cast import NOW, Cast
from tests.fail import refuse_writes

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
WINDOWS = {f"{hours}h": timedelta(hours=hours) for hours in (1, 3, 6, 24)}


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RUNS", Runs())


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def sums(place: Place, now: datetime = NOW) -> dict[str, float | None]:
    return rain_sums(SYSTEM, [place], WINDOWS, now)[place.id].by_window


def seen(cast: Cast) -> object:
    """Everything that a page could show of YL1."""
    place = cast.places["YL1"]
    return (
        list(Latest.objects.using(readings_alias()).order_by("series").values()),
        place_values(SYSTEM, place, "rain", ago(1500), NOW),
        sums(place),
    )


def test_the_same_block_again_changes_nothing(cast: Cast) -> None:
    told = [(ago(70), 100.0), (ago(50), 112.5), (ago(5), 120.0)]
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    once = seen(cast)
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    assert Block.objects.using(readings_alias()).count() == 2
    assert seen(cast) == once
    assert sums(cast.places["YL1"])["1h"] == 20.0


def test_order_of_arrival_changes_nothing(cast: Cast) -> None:
    """Shuffled, some twice, one reading a block: the sums, and the newest value, are those of the ordered stream."""
    chooser = random.Random(7)
    level, told = 40.0, []
    for n in range(60, 0, -1):
        level += chooser.choice([0.0, 0.5, 1.5])
        told.append((ago(5 * n), level))
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    mixed = told + chooser.sample(told, 12)
    chooser.shuffle(mixed)
    for reading in mixed:
        hear(cast.places["YL2"], "rain.accumulated", [reading], NOW)
    ordered, shuffled = (place_values(SYSTEM, cast.places[n], "rain", ago(400), NOW) for n in ("YL1", "YL2"))
    assert shuffled == ordered
    assert sums(cast.places["YL2"]) == sums(cast.places["YL1"])
    values = {value.place_code: (value.at, value.value) for value in latest_values(SYSTEM, NOW, ["rain"])}
    assert values["YL2"] == values["YL1"] == told[-1]


def test_a_late_block_does_not_move_the_newest_value_back(cast: Cast) -> None:
    """Also when the writer's memory was lost and it offers an older value as the newest."""
    hear(cast.places["YL1"], "rain.accumulated", [(ago(5), 120.0)], NOW)
    hear(cast.places["YL1"], "rain.accumulated", [(ago(60), 100.0)], NOW)
    (value,) = latest_values(SYSTEM, NOW, ["rain"], cast.places["YL1"])
    assert (value.value, value.at) == (120.0, ago(5))
    hear(cast.places["YL1"], "rain.accumulated", [(ago(5), 120.5)], NOW)  # of one time the later arrival counts
    assert latest_values(SYSTEM, NOW, ["rain"], cast.places["YL1"])[0].value == 120.5
    assert sums(cast.places["YL1"])["3h"] == 20.5


def test_windows_end_now_and_begin_after_their_edge(cast: Cast) -> None:
    """A reading exactly one hour old is outside: (now - 1 h, now]."""
    told = [(ago(1441), 0.0), (ago(1440), 1.0), (ago(1439), 3.0), (ago(360), 7.0), (ago(180), 15.0), (ago(60), 31.0),
            (ago(59), 63.0), (ago(0), 127.0)]  # fmt: skip
    hear(cast.places["YL1"], "rain.accumulated", told, NOW)
    assert sums(cast.places["YL1"]) == {"1h": 96.0, "3h": 112.0, "6h": 120.0, "24h": 126.0}


def test_a_counter_that_rolls_over_or_begins_again(cast: Cast) -> None:
    """9999.5 → 10 is 10.5 mm; a fall that no roll-over explains began at zero; an unbelievable step is no rain."""
    hear(cast.places["YL1"], "rain.accumulated", [(ago(40), 9990.0), (ago(30), 9999.5), (ago(0), 10.0)], NOW)
    assert sums(cast.places["YL1"])["1h"] == 20.0
    hear(cast.places["YL2"], "rain.accumulated", [(ago(40), 300.0), (ago(30), 302.0), (ago(0), 4.0)], NOW)
    assert sums(cast.places["YL2"])["1h"] == 6.0
    hear(cast.places["YL3"], "rain.accumulated", [(ago(40), 3.0), (ago(30), 900.0), (ago(0), 901.5)], NOW)
    assert sums(cast.places["YL3"])["1h"] == 1.5


def test_what_was_not_heard_is_unknown_and_never_zero(cast: Cast) -> None:
    """Never heard; silent now after no rain; silent now after rain (at least that much); dry and speaking."""
    place = cast.places["YL1"]
    assert sums(place) == dict.fromkeys(WINDOWS)
    hear(place, "rain.accumulated", [(ago(100), 50.0), (ago(90), 50.0)], NOW)
    assert sums(place) == dict.fromkeys(WINDOWS)
    assert rain_sums(SYSTEM, [place], WINDOWS, NOW)[place.id].partial
    hear(cast.places["YL2"], "rain.accumulated", [(ago(100), 50.0), (ago(90), 58.0)], NOW)
    assert sums(cast.places["YL2"]) == {"1h": None, "3h": 8.0, "6h": 8.0, "24h": 8.0}
    hear(cast.places["YL3"], "rain.accumulated", [(ago(100), 50.0), (ago(1), 50.0)], NOW)
    assert sums(cast.places["YL3"])["1h"] == 0.0
    known = {value.place_code: value.known for value in latest_values(SYSTEM, NOW, ["rain"])}
    assert known == {"YL1": False, "YL2": False, "YL3": True}


def test_a_value_that_the_device_does_not_have_is_kept_as_missing(cast: Cast) -> None:
    place = cast.places["YL1"]
    device = register_device(SYSTEM, protocol="sl651", address="1404270001", place=place, now=NOW)
    number = open_series(SYSTEM, device=device, metric="rain.five_minute").id
    rows = [(number, ms(ago(10)), 2.0, GOOD), (number, ms(ago(5)), None, MISSING)]
    store_block(columns_of(rows), source="test", now=NOW)
    derive_latest()
    assert place_values(SYSTEM, place, "rain", ago(60), NOW) == [(ago(10), 2.0), (ago(5), None)]
    (value,) = latest_values(SYSTEM, NOW, ["rain"], place)
    assert (value.value, value.known) == (None, False)


def test_a_reading_dated_in_the_future_is_kept_and_not_read(cast: Cast) -> None:
    hear(cast.places["YL1"], "rain.accumulated", [(ago(10), 1.0), (ago(5), 2.0)], NOW)
    number = Latest.objects.using(readings_alias()).get().series
    later = NOW + timedelta(hours=2)
    store_block(columns_of([(number, ms(later), 99.0, FUTURE)]), source="test", now=NOW)
    derive_latest()
    assert readings_between([number], 0, ms(later) + 1)[number] == [(ms(ago(10)), 1.0), (ms(ago(5)), 2.0)]
    assert Latest.objects.using(readings_alias()).get().value == 2.0


def test_one_element_of_a_station_is_the_truth(cast: Cast) -> None:
    """Current rain alone, then 5-minute rain beside it, then the accumulated value: each takes over, none is added."""
    place = cast.places["YL1"]
    hear(place, "rain.current", [(ago(20), 1.0), (ago(10), 4.0)], NOW)
    assert sums(place)["1h"] == 3.0
    hear(place, "rain.five_minute", [(ago(20), 2.0), (ago(10), 5.0)], NOW)
    assert sums(place)["1h"] == 7.0
    hear(place, "rain.accumulated", [(ago(20), 500.0), (ago(10), 511.0)], NOW)
    assert sums(place)["1h"] == 11.0
    assert latest_values(SYSTEM, NOW, ["rain"], place)[0].value == 511.0


def test_a_block_that_is_not_committed_leaves_nothing(cast: Cast) -> None:
    hear(cast.places["YL1"], "rain.accumulated", [(ago(10), 1.0)], NOW)
    once = seen(cast)
    with refuse_writes("sensing_block", connections[readings_alias()]), pytest.raises(DatabaseError):
        hear(cast.places["YL1"], "rain.accumulated", [(ago(5), 31.0)], NOW)
    assert Block.objects.using(readings_alias()).count() == 1
    assert seen(cast) == once


def test_quarantine_counts_and_keeps_the_last_frame(cast: Cast) -> None:
    for minutes, frame, count in ((9, b"\x01", 3), (2, b"\x02" * KEEP_FRAME, 4)):
        quarantine(SYSTEM, protocol="sl651", address="9999000001", reason="unknown", frame=frame, peer="10.0.0.8:1",
                   count=count, now=ago(minutes))  # fmt: skip
    kept = Quarantine.objects.get()
    assert (kept.count, kept.first_seen, kept.last_seen) == (7, ago(9), ago(2))
    assert kept.last_frame == "02" * (KEEP_FRAME // 2)


def test_admitting_a_station_ends_its_quarantine_and_an_address_belongs_to_one_place(cast: Cast) -> None:
    quarantine(
        SYSTEM, protocol="sl651", address="140427000A", reason="unknown", frame=b"\x01", peer="", count=1, now=NOW
    )
    first = register_device(SYSTEM, protocol="sl651", address="140427000a", place=cast.places["YL1"], now=NOW)
    assert not Quarantine.objects.exists()
    again = register_device(SYSTEM, protocol="sl651", address="140427000A", place=cast.places["YL1"], now=NOW)
    assert again.id == first.id
    with pytest.raises(Invalid, match="140427000A"):
        register_device(SYSTEM, protocol="sl651", address="140427000A", place=cast.places["YL2"], now=NOW)


def test_only_the_last_snapshots_are_kept(cast: Cast) -> None:
    for block in range(1, KEEP_SNAPSHOTS + 3):
        store_snapshot(b"state", block=block, plan="p", now=NOW)
    kept = Snapshot.objects.using(readings_alias()).order_by("-id").values_list("block", flat=True)
    assert list(kept) == list(range(KEEP_SNAPSHOTS + 2, 2, -1))
