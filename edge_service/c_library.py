"""The C library of this process, for the few calls that Python does not offer."""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def c_library() -> ctypes.CDLL:
    """The same each time: each opening of it makes classes that only the garbage collector takes away again."""
    return ctypes.CDLL(None)
