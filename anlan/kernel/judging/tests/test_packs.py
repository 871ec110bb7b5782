"""Every shipped rule pack does what its own examples say, through the real kernel."""

from pathlib import Path

import pytest

from anlan.kernel.judging.packs import Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build, span_ms
from anlan.kernel.judging.trial import failures, play
from anlan.kernel.modes import LEVEL_BY_NAME
from anlan.kernel.packs import PackError, load_family, load_pack

RULES = load_family("rules", RulePack)
SOURCES = load_family("sources", SourcePack)
CASES = [(rule, example) for rule in RULES.values() for example in rule.examples]


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{r.urn[18:]}-{e.name}" for r, e in CASES])
def test_example(rule: RulePack, example: Example) -> None:
    wanted = [(minute, LEVEL_BY_NAME[level]) for minute, level in example.expect]
    assert play(rule, example, SOURCES.values(), RULES.values()) == wanted
    assert failures(rule, SOURCES.values(), RULES.values()) == []


def test_an_example_that_says_another_thing_is_named() -> None:
    rule = RULES["urn:anlan:rules:river-stage"]
    wrong = rule.examples[0].model_copy(update={"expect": [(5, "red")], "name": "甲"})
    idle = rule.examples[1].model_copy(update={"shows": "clears", "name": "乙"})
    assert failures(rule.model_copy(update={"examples": [wrong, idle]}), SOURCES.values()) == [
        "example '甲': expected [[5, red]], got [[5, yellow], [10, red]]",
        "example '乙': does not show what `shows: clears` says",
    ]
    assert "no source pack" in failures(rule.model_copy(update={"metric": "tide"}), SOURCES.values())[0]


def test_the_four_rules_are_there() -> None:
    assert {urn.rsplit(":", 1)[1] for urn in RULES} >= {
        "danger-area-rain",
        "gauge-rain",
        "gauge-silence",
        "river-stage",
    }


def test_a_pack_without_a_silent_example_is_refused(tmp_path: Path) -> None:
    text = Path("anlan/packs/rules/river-stage.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("shows: silent", "shows: fires"), encoding="utf-8")
    with pytest.raises(PackError, match="missing: silent"):
        load_pack(path, RulePack)


def test_a_place_without_numbers_is_a_gap_not_a_default() -> None:
    rule = RULES["urn:anlan:rules:river-stage"]
    plan = build([rule], SOURCES.values(), [PlaceFacts("P", "R1", "river_station", {})], [Source("R1", "stage", 1)])
    assert (plan.slots, plan.gaps) == ([], ["urn:anlan:rules:river-stage: R1"])


def test_the_first_source_that_a_station_sends_is_the_truth() -> None:
    rule = RULES["urn:anlan:rules:gauge-rain"]
    place = [PlaceFacts("P", "G1", "rain_gauge", {"interval_min": 5})]
    both = [Source("G1", "rain.five_minute", 1), Source("G1", "rain.accumulated", 2), Source("G1", "rain.current", 3)]
    assert set(build([rule], SOURCES.values(), place, both).feeds) == {2}
    assert set(build([rule], SOURCES.values(), place, [both[0], both[2]]).feeds) == {1}


def test_spans() -> None:
    assert span_ms("24h", None) == 86_400_000
    assert span_ms("interval*3", 5) == 900_000
    assert span_ms("interval*3", None) is None
    with pytest.raises(ValueError, match="no span"):
        span_ms("soon", None)


def test_weights_and_limits_by_date() -> None:
    danger = RULES["urn:anlan:rules:danger-area-rain"]
    facts = {"gauges": ["G1", "G2"], "weights": {"G1": 1.25}, "limits": {"1h": {"prepare": 25, "now": 40}}}
    stored = [Source("G1", "rain.accumulated", 1), Source("G2", "rain.accumulated", 2)]
    plan = build([danger], SOURCES.values(), [PlaceFacts("P", "W1", "danger_area", facts)], stored)
    assert [(slot.raise_at, slot.level) for slot in plan.slots] == [(1600, 2), (2000, 3), (3200, 4)]
    dam = RULES["urn:anlan:rules:reservoir-level"]
    seasons = [{"from": "12-20", "to": "01-10", "value": 900.0}, {"from": "02-29", "to": "03-01", "value": 901}]
    plan = build(
        [dam],
        SOURCES.values(),
        [PlaceFacts("P", "R1", "reservoir", {"flood_limit": seasons})],
        [Source("R1", "stage", 1)],
        2026,
    )
    spans = {(slot.to_ms - slot.from_ms) / 86_400_000 for slot in plan.slots}
    assert spans == {22, 2}  # over New Year; from the last day of February
    assert len(plan.slots) == 10
    bad = {"flood_limit": [{"from": "06-31", "to": "07-01", "value": 1}]}
    with pytest.raises(ValueError, match="no day of the year"):
        build([dam], SOURCES.values(), [PlaceFacts("P", "R1", "reservoir", bad)], [Source("R1", "stage", 1)])
