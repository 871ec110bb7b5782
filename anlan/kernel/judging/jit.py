"""numba where it is there, else the same functions in plain Python: slow, and equal (a test compares both)."""

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba

    COMPILED = True
except ImportError:  # pragma: no cover - a machine without numba still judges
    numba = None
    COMPILED = False

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile to machine code, cached on disk; the plain function where numba is missing."""
    if numba is None:  # pragma: no cover
        return function
    compiled: F = numba.njit(function, cache=True)
    return compiled
