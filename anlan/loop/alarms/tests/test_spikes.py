"""A step that no rain makes (C7): held for one reading, borne out by the next or at once by a neighbour, or dropped."""

from datetime import timedelta

import pytest

from anlan.loop.alarms.tests.stations import Told, admit, at, run, says, standing, started
from anlan.loop.sensing.blocks import WITHDRAWN, columns_of
from anlan.loop.sensing.commands import store_block
from anlan.loop.sensing.models import Block, Series
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.router import readings_alias
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
SUSPECT = ("YL1", 1, "active")
CALM = [says(n, -10 + 5 * i, 100.0) for i in range(2) for n in (1, 2)]
JUMP = says(1, 0, 160.0)


@pytest.fixture
def admitted(cast: Cast) -> Cast:
    admit(cast)
    return cast


def after(*later: Told) -> list[tuple[str, int, str]]:
    """Alarms after calm, a step of 60 mm in five minutes at gauge 1, and what else is said, five minutes apart."""
    pipeline = started()
    run(pipeline, CALM, at(-5))
    run(pipeline, [JUMP], at(0))
    for n, message in enumerate(later, 1):
        run(pipeline, [message], at(5 * n))
    return standing()


def test_it_is_held_and_shown_as_suspect(admitted: Cast) -> None:
    assert after() == [SUSPECT]


def test_the_next_reading_bears_it_out(admitted: Cast) -> None:
    assert after(says(1, 5, 161.0)) == [("WX1", 4, "active"), ("YL1", 1, "cleared")]


def test_the_next_reading_takes_it_back(admitted: Cast) -> None:
    assert after(says(1, 5, 100.5)) == [("YL1", 1, "cleared")]


def test_a_gauge_nearby_bears_it_out_at_once(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, CALM, at(-5))
    run(pipeline, [says(2, 0, 112.0)], at(0))
    assert standing() == []
    run(pipeline, [JUMP], at(0))
    assert standing() == [("WX1", 4, "active"), SUSPECT]


def test_a_restart_between_changes_nothing(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, CALM, at(-5))
    run(pipeline, [JUMP], at(0))
    pipeline.judge.snapshot(NOW)
    again = started()
    assert again.judge.block == pipeline.judge.block
    run(again, [says(1, 5, 161.0)], at(5))
    assert standing() == [("WX1", 4, "active"), ("YL1", 1, "cleared")]


def test_a_withdrawn_reading_takes_its_alarm_back(admitted: Cast) -> None:
    pipeline = started()
    run(pipeline, [*CALM, says(1, 0, 141.0)], at(0))
    assert standing() == [("WX1", 4, "active")]
    number = Series.objects.get(device__place__code="YL1").id
    gone = columns_of([(number, ms(NOW), None, WITHDRAWN)])
    block = store_block(gone, source="test", now=at(1))
    pipeline.judge.judge(gone, block, at(1))
    pipeline.turn(at(1) + timedelta(seconds=1))
    assert standing() == [("WX1", 4, "eased")]
    assert Block.objects.using(readings_alias()).count() == 2
