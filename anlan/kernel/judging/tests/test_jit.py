"""Compiled code of another version of the program is never used."""

from pathlib import Path

from numba import config

from anlan.kernel.judging import rejudge
from anlan.kernel.judging.jit import HERE, cache_folder


def test_the_cache_is_named_by_every_source(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    before = cache_folder(tmp_path)
    (tmp_path / "b.py").write_text("# changed\n")
    assert cache_folder(tmp_path) != before
    assert before.parent == tmp_path / "__pycache__"


def test_the_kernel_uses_it() -> None:
    assert Path(str(vars(config)["CACHE_DIR"])) == cache_folder(HERE)
    assert str(cache_folder(HERE)) in str(vars(rejudge.ingest)["_cache"].cache_path)
