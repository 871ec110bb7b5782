"""`anlan replay` (C7): the neutral workload's truth for any seed, shuffled files, Parquet, bad rows, known places."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anlan.kernel.judging.trial import failures
from anlan.site.cli.replay import read_rules
from tests.bench import workload_rules as converter

ROOT = Path(__file__).parent.parent


def replay(rules: Path, readings: Path, *more: str) -> tuple[int, list[dict[str, Any]], str]:
    out = readings.with_name("out.jsonl")
    given = ["replay", "--rules", str(rules), "--readings", str(readings), "--out", str(out), *more]
    done = subprocess.run([sys.executable, "-m", "anlan.site.cli", *given], capture_output=True, text=True, cwd=ROOT)
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return done.returncode, lines, done.stderr


def in_ticks(alarms: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    def tick(at: int | None) -> int:
        return -1 if at is None else (at - converter.START_S) // converter.TICK_S

    return sorted(
        (a["rule"], a["place"], a["device"] or "", tick(a["raised_at"]), tick(a["cleared_at"])) for a in alarms
    )


@pytest.mark.parametrize(("seed", "sensors"), [(1, 200), (2, 60), (3, 60), (77, 30)])
def test_every_alarm_of_the_workload_and_no_other(tmp_path: Path, seed: int, sensors: int) -> None:
    converter.write(tmp_path, sensors, 1560, seed)
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    status, alarms, said = replay(converter.RULES, tmp_path / "readings.csv")
    assert status == 0, said
    want = sorted(
        (t["rule"], t["place"], t["device"] or "", t["raised"], -1 if t["cleared"] is None else t["cleared"])
        for t in truth
    )
    assert {row[0] for row in want} >= ({"THR", "ROC", "MIS"} if sensors < 100 else {"CMB", "R01", "MIS"})
    assert in_ticks(alarms) == want


def test_the_order_of_rows_and_the_kind_of_file_change_nothing(tmp_path: Path) -> None:
    converter.write(tmp_path, 30, 400, 5)
    plain = in_ticks(replay(converter.RULES, tmp_path / "readings.csv")[1])
    frame = pl.read_csv(tmp_path / "readings.csv")
    frame.sample(fraction=1, shuffle=True, seed=1).write_parquet(tmp_path / "readings.parquet")
    assert in_ticks(replay(converter.RULES, tmp_path / "readings.parquet")[1]) == plain
    assert plain


def test_the_rules_of_the_workload_keep_their_examples() -> None:
    rules, sources = read_rules(converter.RULES)
    assert [rule.urn.rpartition(":")[2] for rule in rules] == ["THR", "ROC", "MIS", "R01", "R03", "R06", "R24", "CMB"]
    assert [found for rule in rules for found in failures(rule, sources, rules)] == []


def test_bad_rows_are_named_and_the_others_judged(tmp_path: Path) -> None:
    rows = ["place,device,metric,time,value", "A,a,stage,2026-07-01T08:00:00+08:00,3.1", "A,a,stage,gestern,3.3",
            "A,a,stage,2026-07-01T08:05:00+08:00,hoch", "A,a,stage,2026-07-01 08:10,3.4", "A,a,stage,2026-07-01 08:15,",
            "A,a,stage,2026-07-01T00:20:00Z,3.0"]  # fmt: skip
    (tmp_path / "r.csv").write_text("\n".join(rows), encoding="utf-8")
    places = [{"code": "A", "kind": "river_station", "attributes": {"warning_stage": 3.2, "guarantee_stage": 4}}]
    (tmp_path / "places.json").write_text(json.dumps(places))
    rule = ROOT / "anlan/packs/rules/river-stage.yaml"
    status, alarms, said = replay(rule, tmp_path / "r.csv", "--places", str(tmp_path / "places.json"))
    assert status == 1
    assert "第 3 行 time" in said
    assert "第 4 行 value" in said
    assert "第 6 行" not in said
    assert alarms == [
        {"rule": "river-stage", "place": "A", "device": None, "level": "yellow",
         "raised_at": "2026-07-01T08:10:00+08:00", "cleared_at": "2026-07-01T08:20:00+08:00"}
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), [("place,device,time,value\n", "缺少列 metric"), ("", "r.csv")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    status, alarms, said = replay(converter.RULES, tmp_path / "r.csv")
    assert (status, alarms) == (2, [])
    assert says in said
