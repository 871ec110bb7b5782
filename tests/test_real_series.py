"""C1, C7: a real cloudburst (158.8 mm in two hours) through store, rules and charts: what was raised, and when.

The document is what comes out: it is compared, not believed.
"""

import re

import pytest

from anlan.loop.alarms.models import Alarm
from anlan.loop.sensing import reader
from anlan.loop.sensing.reader import Runs
from tests.cast import Cast
from tests.real_series import PAGE
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
