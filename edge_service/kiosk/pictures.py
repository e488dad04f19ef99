"""The images of the booking under way, in memory, for the page and nobody else."""

from __future__ import annotations

import io
import secrets
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Pictures:
    """PNG files by a key that nobody can guess. Keeps one: the press that is being looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}

    def keep(self, pixels: NDArray[np.uint8]) -> str:
        """The key of uint8 (height, width) pixels; what was kept before is dropped."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept = {key: file.getvalue()}
        return key

    def png(self, key: str) -> bytes | None:
        """The image; None once it was dropped."""
        with self._lock:
            return self._kept.get(key)

    def drop(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)
