"""Every time that is measured is for one thread."""

from __future__ import annotations

import os
from typing import Final

ONE_THREAD: Final[dict[str, str]] = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""What the numeric libraries read when they are loaded."""


def one_thread() -> None:
    """Hold this process to one thread; to be called before numpy and numba are imported."""
    os.environ.update(ONE_THREAD)
