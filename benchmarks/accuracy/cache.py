"""An optional cache of the peers' extractions; off unless it is asked for, and named in the JSON."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.parameters import LEADER_QUALITY_MIN, WORKING_DPI
from benchmarks.accuracy.systems import Extraction
from interchange.minutiae import Minutiae

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.accuracy.systems import MinutiaeExtractor


class CachedExtractor:
    """An extractor whose results, times included, are kept by the pixels they were made from.

    Failures are not kept. The times are those of the run that made the entry.

    Args:
        inner: the extractor that is asked where the cache has nothing.
        folder: made if it is not there.
    """

    def __init__(self, inner: MinutiaeExtractor, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = inner.name
        self.version = inner.version
        self._inner = inner
        self._folder = folder

    def extract(self, image: NDArray[np.uint8]) -> Extraction:
        """See `MinutiaeExtractor.extract`."""
        path = self._folder / f"{self._key(image)}.npz"
        kept = _read(path, image)
        if kept is not None:
            return kept
        made = self._inner.extract(image)
        if made.minutiae is not None:
            _write(path, made, made.minutiae)
        return made

    def close(self) -> None:
        """See `MinutiaeExtractor.close`."""
        self._inner.close()

    def _key(self, image: NDArray[np.uint8]) -> str:
        made_by = f"{self.name} {self.version} {LEADER_QUALITY_MIN} {image.shape} "
        return hashlib.sha256(made_by.encode() + image.tobytes()).hexdigest()


def _read(path: Path, image: NDArray[np.uint8]) -> Extraction | None:
    if not path.is_file():
        return None
    height, width = image.shape
    try:
        with np.load(path, allow_pickle=False) as kept:
            x, y, angle, kind, quality = kept["minutiae"].T
            wall_ms, cpu_ms = kept["times_ms"]
    except (OSError, ValueError, KeyError, EOFError):
        return None  # cut short, or not ours: made again
    found = Minutiae.make(
        x, y, angle, type=kind, quality=quality, width=width, height=height, dpi=WORKING_DPI
    )
    return Extraction(found, float(wall_ms), float(cpu_ms), cached=True)


def _write(path: Path, made: Extraction, found: Minutiae) -> None:
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    table = np.stack([found.x, found.y, found.angle, found.type, found.quality], axis=1)
    np.savez(part, minutiae=table, times_ms=np.array([made.wall_ms, made.cpu_ms]))
    part.replace(path)
