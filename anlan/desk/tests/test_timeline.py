"""The course of an incident: alike lines of calls are told together, everything else alone, nobody by name."""

from datetime import timedelta

import pytest

from anlan.base.journal.models import Entry
from anlan.desk.timeline import Names, tell
from tests.cast import NOW

NAMES = Names(
    {"a": "安口村山洪危险区"}, {"1": "安口村责任人", "2": "安口村监测员", "3": "甲", "4": "乙"}, {"t": "上门叫应"}
)


def entry(kind: str, at_s: float, **data: object) -> Entry:
    return Entry(kind=kind, happened_at=NOW + timedelta(seconds=at_s), data=data)


def test_an_alarm_says_where_and_how_much_over_which_limit() -> None:
    evidence = {"value": 41.25, "limit": 40.0, "unit": "mm", "span": "1h", "gauge": "安口1号"}
    (line,) = tell([entry("alarms.raised", 0, alarm="a", level=4, evidence=evidence)], NAMES, NOW)
    assert line.detail == "安口村山洪危险区 · 安口1号 1 小时 41.25 ≥ 40 mm"
    assert (line.level, line.after_s, line.glyph) == (4, 0, "rain")


def test_dials_within_a_minute_are_told_in_one_line_with_their_ends() -> None:
    lines = tell(
        [
            entry("calls.attempt_over", 60, campaign="c", call="1", outcome="no_answer"),
            entry("calls.acked", 70, campaign="c", call="2"),
            entry("calls.attempt_over", 80, campaign="c", call="2", outcome="no_answer"),
            entry("calls.attempt_over", 90, campaign="c", call="3", outcome="busy"),
            entry("calls.attempt_over", 95, campaign="c", call="4", outcome="no_answer"),
            entry("calls.attempt_over", 130, campaign="c", call="1", outcome="no_answer"),
        ],
        NAMES,
        NOW,
    )
    assert [line.words for line in lines] == ["一次呼叫结束 4 次", "听完并按键，已叫醒", "一次呼叫结束"]
    assert lines[0].detail == "安口村责任人、安口村监测员、甲 等 4 人 · 无人接 3、占线 1"
    assert lines[1].css == "done"


@pytest.mark.parametrize(("only", "count"), [("", 4), ("alarms", 2), ("calls", 1), ("tasks", 1)])
def test_a_segment_shows_its_lines_and_no_others(only: str, count: int) -> None:
    lines = [
        entry("incidents.opened", 0),
        entry("alarms.raised", 0, alarm="unseen"),
        entry("calls.door_overdue", 900, campaign="c", call="9"),
        entry("tasks.assigned", 901, task="t"),
    ]
    shown = tell(lines, NAMES, NOW, only)
    assert len(shown) == count
    assert all(line.detail in ("", "上门叫应") for line in shown)
