"""numba where it is there, else the same functions in plain Python: slow, and equal (a test compares both).

Never: machine code of another version of the program. numba looks at the one file that a function stands in; what is
compiled into it from other files may have changed. So the folder of its cache is named by all of them.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

try:
    from numba import config as _config
    from numba import njit as _njit
except ImportError:  # pragma: no cover - a machine without numba still judges
    _config = None  # type: ignore[assignment]
    _njit = None  # type: ignore[assignment]

COMPILED = _njit is not None
HERE = Path(__file__).resolve().parent
F = TypeVar("F", bound=Callable[..., Any])


def cache_folder(sources: Path = HERE) -> Path:
    """Where compiled code of exactly these sources is kept: beside them, or where that cannot be written, in the
    temporary folder of this user."""
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    beside = sources / "__pycache__"
    beside.mkdir(exist_ok=True) if os.access(sources, os.W_OK) else None
    base = beside if os.access(beside, os.W_OK) else Path(tempfile.gettempdir()) / f"anlan-kernel-{os.getuid()}"
    return base / f"kernel-{digest.hexdigest()[:16]}"


def _prepare() -> None:
    folder = cache_folder()
    for old in folder.parent.glob("kernel-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    vars(_config)["CACHE_DIR"] = str(folder)


if COMPILED:
    _prepare()


def jit(function: F) -> F:
    """Compile to machine code, cached on disk; the plain function where numba is missing.

    Nothing is allocated inside, so no references are counted: counting them cost as much as the arithmetic.
    """
    options: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
    compiled: F = function if _njit is None else _njit(**options)(function)
    return compiled
