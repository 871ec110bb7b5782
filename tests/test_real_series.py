"""C1, C7: a real cloudburst (158.8 mm in two hours) through store, rules and charts: what was raised, and when.

The document is what comes out: it is compared, not believed.
"""

import re

import pytest

from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.rejudging import differences, judge_again
from anlan.loop.sensing import reader
from anlan.loop.sensing.reader import Runs
from tests.cast import Cast
from tests.real_series import FROM, PAGE, UNTIL
from tests.real_series_run import tables

pytestmark = pytest.mark.django_db(databases="__all__")


def test_the_document_says_what_was_raised(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RUNS", Runs())
    found = tables(cast)
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in found.items():
        written = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.S)
        assert written is not None, name
        assert written[1].split("\n") == rows, f"run: python -m tests.real_series --write ({name} differs)"
    storm = Alarm.objects.get(place__code="WX1", peak_level=4)
    assert f"{storm.raised_at:%m-%d %H:%M}" == "07-24 17:00"  # in the hour in which it fell, not an hour later
    assert not Alarm.objects.filter(place__code="WX2").exists()  # the fire-weather days never reach a limit of rain
    _judged_again(storm)


def _judged_again(storm: Alarm) -> None:
    """What is stored, out of chunks by now, gives the very same alarms; a change of limits, or a lost one, is told."""
    assert differences(FROM, UNTIL) == []
    (again,) = [one for one in judge_again(FROM, UNTIL) if one.place == storm.place]
    assert (again.raised_at, again.level, again.cleared_at) == (storm.raised_at, 4, storm.eased_at)
    danger = storm.place
    danger.attributes = {**danger.attributes, "limits": {"1h": {"prepare": 60.0, "now": 90.0}}}
    danger.save(update_fields=["attributes"])
    assert [(one.kind, one.was, one.would_be) for one in differences(FROM, UNTIL)] == [("level", 4, 3)]
    danger.attributes = {**danger.attributes, "limits": {"1h": {"prepare": 200.0, "now": 300.0}}}
    danger.save(update_fields=["attributes"])
    assert [one.kind for one in differences(FROM, UNTIL)] == ["extra"]
