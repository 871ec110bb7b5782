"""numba where it is there, else the same functions in plain Python: slow, and equal (a test compares both)."""

from collections.abc import Callable
from typing import Any, TypeVar

try:
    from numba import njit as _njit
except ImportError:  # pragma: no cover - a machine without numba still judges
    _njit = None  # type: ignore[assignment]

COMPILED = _njit is not None
F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile to machine code, cached on disk; the plain function where numba is missing.

    Nothing is allocated inside, so no references are counted: counting them cost as much as the arithmetic.
    """
    options: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
    compiled: F = function if _njit is None else _njit(**options)(function)
    return compiled
