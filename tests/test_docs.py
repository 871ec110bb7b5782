"""What the documents show really works: the rule pack of docs/rules.md, laid over the shipped ones."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from anlan.site.checks import operators

ROOT = Path(__file__).resolve().parents[1]
SHOWN = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.DOTALL)


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "anlan.site.checks.packs", str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ("[10, none]]", "[5, none]]", "expected [[0, yellow], [5, none]], got [[0, yellow], [10, none]]"),
        ("shows: silent", "shows: fires", "examples that are missing: silent"),
        ("operator: limit", "operator: average", "no operator 'average'"),
        ("metric: stage", "metrics: stage", "county.yaml: metrics: Extra inputs are not permitted"),
        ("metric: stage", "metric: tide", "metric 'tide': no source pack tells it"),
    ],
)
def test_the_pack_of_the_document_can_be_tried(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert SHOWN is not None
    assert old in SHOWN[1]
    path = tmp_path / "rules" / "county.yaml"
    path.parent.mkdir()
    path.write_text(SHOWN[1].replace(old, new) if old else SHOWN[1], encoding="utf-8")
    status, output = check(tmp_path)
    assert (status, said in output) == (1 if said else 0, True)
    if not said:
        assert f"rules: {len(list((ROOT / 'anlan/packs/rules').glob('*.yaml')))} packs" in output


def test_a_folder_that_is_none_and_a_family_that_nobody_reads(tmp_path: Path) -> None:
    assert check(tmp_path / "nowhere")[0] == 1
    (tmp_path / "ruels").mkdir()
    (tmp_path / "ruels" / "a.yaml").write_text("{}", encoding="utf-8")
    status, output = check(tmp_path)
    assert (status, "ruels/: no slice reads this family" in output) == (1, True)


def test_the_page_of_operators_is_what_they_say_of_themselves() -> None:
    assert operators.PAGE.read_text(encoding="utf-8") == operators.page()
