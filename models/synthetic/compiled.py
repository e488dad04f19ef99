"""`kernel`: numba's `njit`, kept on disk. Import it, and the modules that use it, late: numba is slow to load.

Every tuned number is an argument of its kernel, so that the machine code on disk never holds an old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call; keep the machine code on disk where that is possible."""
    try:
        return njit(cache=True, nogil=True, fastmath=True)(function)
    except RuntimeError:  # there is nowhere to write it
        return njit(nogil=True, fastmath=True)(function)
