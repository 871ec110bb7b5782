"""Every shipped rule pack does what its own examples say, through the real kernel."""

import re
from pathlib import Path

import pytest

from anlan.kernel.judging import trial
from anlan.kernel.judging.packs import Example, RulePack, SourcePack
from anlan.kernel.judging.plan import PlaceFacts, Source, build, span_ms
from anlan.kernel.packs import PackError, load_family, load_pack

RULES = load_family("rules", RulePack)
SOURCES = load_family("sources", SourcePack)
CASES = [(rule, example) for rule in RULES.values() for example in rule.examples]


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{r.urn[18:]}-{e.name}" for r, e in CASES])
def test_example(rule: RulePack, example: Example) -> None:
    assert trial.judged(rule, example, SOURCES.values()) == trial.wanted(example)
    assert trial.keeps_its_word(example)


def test_a_pack_is_tried_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trial.main(["anlan/packs/rules/river-stage.yaml"]) == 0
    assert "✓ 先超警戒，再超保证 (fires): 5 min yellow, 10 min red" in capsys.readouterr().out
    text = Path("anlan/packs/rules/river-stage.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("expect: [[5, yellow], [10, red]]", "expect: [[5, yellow]]"), encoding="utf-8")
    assert trial.main([str(wrong)]) == 1
    assert "✗ 先超警戒，再超保证" in capsys.readouterr().out
    wrong.write_text(text.replace("warning_stage: 3.2, ", ""), encoding="utf-8")
    assert trial.main([str(wrong)]) == 1
    wrong.write_text(text.replace("operator: limit", "operator: guess"), encoding="utf-8")
    assert trial.main([str(wrong)]) == 1
    assert "no operator 'guess'" in capsys.readouterr().out


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


def test_the_example_of_the_documentation_is_a_pack(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", Path("docs/rules.md").read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "documented.yaml"
    path.write_text(text, encoding="utf-8")
    assert trial.main([str(path)]) == 0


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
