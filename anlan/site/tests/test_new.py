"""`anlan new protocol`: the folder passes its own tests and the checks, and the registry finds it."""

import subprocess
import sys
from pathlib import Path

import pytest

from anlan.links import protocols
from anlan.site.cli import main
from anlan.site.cli.new import new_protocol

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ROOT / "pyproject.toml"


def run(*argv: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-m", *argv], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of the parts that a protocol sees, so that nothing is written into the real one."""
    for part in ("anlan/__init__.py", "anlan/kernel", "anlan/links/__init__.py", "anlan/links/protocols"):
        source, target = ROOT / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        for file in [source] if source.is_file() else [f for f in source.rglob("*") if f.suffix in (".py", ".csv")]:
            there = tmp_path / file.relative_to(ROOT)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(file.read_bytes())
    return tmp_path


def test_the_folder_passes_its_own_test_and_the_checks(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_protocol("my_meter", copy / "anlan" / "links" / "protocols") == 0
    assert "my_meter" in capsys.readouterr().out
    folder = copy / "anlan" / "links" / "protocols" / "my_meter"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    assert "skeleton" not in text
    assert "example" not in text
    passed = run("pytest", "-q", "-p", "no:django", "-c", "/dev/null", "--rootdir", str(copy), str(folder), folder=copy)
    assert "failed" not in passed
    run("ruff", "check", "--config", str(SETTINGS), str(folder), folder=copy)
    run("ruff", "format", "--check", "--config", str(SETTINGS), str(folder), folder=copy)
    found = subprocess.run(
        [sys.executable, "-c", "from anlan.links.protocols import PROTOCOLS; print(PROTOCOLS['my_meter'].name)"],
        cwd=copy, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert found.strip() == "my_meter"


def test_a_bad_name_or_a_standing_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("", "X", "2fast", "class", "contract", "a-b", "x" * 30):
        assert new_protocol(name, tmp_path) == 2
    (tmp_path / "meter").mkdir()
    assert new_protocol("meter", tmp_path) == 1
    assert list(tmp_path.rglob("*.py")) == []
    assert main(["new", "protocol", "sl651"]) == 1  # the real folder is not touched
    assert "sl651" in capsys.readouterr().err
    assert (Path(protocols.__file__).parent / "sl651" / "codec.py").exists()
