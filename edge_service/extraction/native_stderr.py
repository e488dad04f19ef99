"""Keeps what native libraries write to file descriptor 2 off the officer's terminal.

When a network is prepared, TensorFlow Lite writes "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
straight to the descriptor, past Python's logging. Its logger has a least severity, but neither Python package lets
it be set and no environment variable reaches it. libtiff does the same over a damaged file, of which Pillow tells
us anyway. So the descriptor itself is turned aside for that moment, and everything but those lines is written out
again afterwards: warnings, errors, and what other threads said.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

STDERR = 2

_turned_aside = threading.Lock()  # the descriptor is one for the whole process


@contextlib.contextmanager
def without_lines(*beginnings: bytes) -> Generator[None]:
    """Within this context nothing reaches descriptor 2; on leaving it, all lines but those that begin so do.

    For Linux only. Contexts take turns, so keep them short, and do not nest them.
    """
    with _turned_aside:
        try:
            kept = os.dup(STDERR)
        except OSError:  # a service that runs without stderr: nobody to spare
            yield
            return
        said = os.memfd_create("native-stderr")
        os.dup2(said, STDERR)
        try:
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            os.lseek(said, 0, os.SEEK_SET)
            with os.fdopen(said, "rb") as lines, contextlib.suppress(OSError):
                os.write(STDERR, b"".join(line for line in lines if not line.startswith(beginnings)))
