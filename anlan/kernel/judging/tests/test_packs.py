"""Every shipped rule pack does what its own examples say, through the real kernel."""

from pathlib import Path

import pytest

from anlan.kernel.judging.kernel import Kernel
from anlan.kernel.judging.packs import Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build, span_ms
from anlan.kernel.modes import LEVEL_BY_NAME
from anlan.kernel.packs import PackError, load_family, load_pack

RULES = load_family("rules", RulePack)
SOURCES = load_family("sources", SourcePack)
CASES = [(rule, example) for rule in RULES.values() for example in rule.examples]
START = 1_780_000_000_000
MINUTE = 60_000


def judged(rule: RulePack, example: Example) -> list[tuple[float, int]]:
    """Steps of an example as (minute, level)."""
    attributes = {**example.attributes, **({rule.series: ["G1"]} if rule.series != "own" else {})}
    places = [PlaceFacts("P", "G1" if rule.series == "own" else "P1", rule.applies_to, attributes)]
    source = next(pack for pack in SOURCES.values() if pack.metric == rule.metric)
    plan = build([rule], SOURCES.values(), places, [Source("G1", source.sources[0].metric, 7)])
    kernel = Kernel(plan.series, plan.slots)
    position, scale = plan.feeds[7]
    times = [START + round(minute * MINUTE) for minute, _value in example.readings]
    values = [round(value * scale) for _minute, value in example.readings]
    changes = kernel.judge_cases(kernel.ingest([position] * len(times), times, values))
    if example.until is not None:
        changes += kernel.judge_cases(kernel.tick(START + round(example.until * MINUTE)))
    return [((step.true_at - START) / MINUTE, step.level_to) for change in changes for step in change.added]


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{r.urn[18:]}-{e.name}" for r, e in CASES])
def test_example(rule: RulePack, example: Example) -> None:
    wanted = [(minute, LEVEL_BY_NAME[level]) for minute, level in example.expect]
    assert judged(rule, example) == wanted
    if example.shows == "silent":
        assert wanted == []
    elif example.shows == "fires":
        assert wanted[-1][1] > 0
    else:
        assert wanted[-1][1] == 0


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
