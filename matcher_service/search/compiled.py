"""`kernel`: numba's `njit` with a cache on disk that notices every change of this folder.

Numba's own cache looks only at the file a function stands in: a changed `parameters.py` would go unnoticed and
yesterday's numbers would go on matching. So the cache folder is named after all sources of this folder. It is
chosen when the first kernel is declared, which is the one side effect that importing `search` has.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba import njit
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).parent


def cache_folder() -> Path:
    """Folder for the compiled kernels: below $XDG_CACHE_HOME or ~/.cache, one for each state of the sources."""
    digest = hashlib.sha256()
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "whorl" / f"kernels-{digest.hexdigest()[:16]}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


_FOLDER = cache_folder()
_CACHED = _writable(_FOLDER)
if _CACHED:
    config.CACHE_DIR = str(_FOLDER)  # pyright: ignore[reportAttributeAccessIssue]


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call; keep the machine code on disk where that is possible.

    A zero divisor gives infinity or NaN as in numpy, not an exception: a check in a loop keeps it from becoming
    vector code.
    """
    return njit(cache=_CACHED, nogil=True, error_model="numpy")(function)
