"""The crowd's gallery on disk: made once, by as many processes as there are threads, and opened by every run.

Until it is complete it stands under another name, so that a run that was cut short leaves nothing half made.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.search.parameters import POSITION, PRINTS_A_CHUNK, PRINTS_A_SEGMENT
from matcher_service.search.shelf import GrowingShelf, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matcher_service.galleries import GalleryStore, StoreOptions

_ROOT = Path(__file__).resolve().parents[2]
_CROWD_TAG = 1  # high word of the identities of the crowd
_PACKED_BY = tuple(
    f"matcher_service/search/{name}.py"
    for name in ("cylinders", "hull", "packed", "parameters", "shelf", "sketch*")
)


def crowd_key(number: int) -> str:
    """The identity of a crowd's print."""
    return f"{_CROWD_TAG:016x}{number:016x}"


def made_folder(cache: Path, *, prints: int, seed: int) -> Path:
    """Where the gallery of so many prints stands: named after what it is made by, so that it is never an old one."""
    return cache / f"crowd-{prints}-{seed}-{sources_digest('models/synthetic/*.py', *_PACKED_BY)}"


def sources_digest(*patterns: str) -> str:
    """Twelve digits that change with any of the project's files of these patterns."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in _ROOT.glob(pattern)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def make(folder: Path, *, prints: int, seed: int, workers: int, on_done: Callable[[int], None]) -> None:
    """Build the gallery of prints 0 to `prints` of the crowd of `seed` in `folder`, as the matcher builds its own."""
    from matcher_service.galleries import GalleryStore, Mark

    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            shelves = _segments(pool, prints, seed, on_done)
            GalleryStore.build(part, store_options(), shelves, mark=Mark()).close()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _segments(
    pool: ProcessPoolExecutor, prints: int, seed: int, on_done: Callable[[int], None]
) -> Iterator[Shelf]:
    """The crowd, a segment at a time; of the next one, its parts are made meanwhile."""
    cuts = list(pairwise([*range(0, prints, PRINTS_A_CHUNK), prints]))
    jobs = deque(pool.submit(made_shelf, first, last, seed) for first, last in cuts)
    growing = GrowingShelf()
    for first, last in cuts:
        growing.extend(jobs.popleft().result())
        on_done(last - first)
        if len(growing) >= PRINTS_A_SEGMENT or last == prints:
            yield growing.snapshot()
            growing = GrowingShelf()


def store_options() -> StoreOptions:
    """What the gallery is made and opened with."""
    from matcher_service.galleries import StoreOptions
    from matcher_service.galleries.packing import Packing
    from matcher_service.search.packed import pack_print

    return StoreOptions(repository="crowd", digest=Packing(pack=pack_print, threads=1).digest())


def made_shelf(first: int, last: int, seed: int) -> Shelf:
    """Prints `first` to `last` of the crowd: the columns of `pack_print`, and their sketches all at once."""
    from matcher_service.search.packed import ANGLE_STEPS, QUALITY_STEPS, SKETCH_WORDS, STEPS_PER_PX
    from matcher_service.search.sketch import sketched
    from models.synthetic.crowd import crowd

    drawn = crowd(first, last, seed=seed)
    count = last - first
    owner = np.empty((count, 2), np.uint64)
    owner[:, 0], owner[:, 1] = _CROWD_TAG, np.arange(first, last)
    quality = np.rint(drawn.quality * QUALITY_STEPS).astype(np.uint16)
    angle = np.rint(drawn.angle * (ANGLE_STEPS / (2 * np.pi))).astype(np.int64) % ANGLE_STEPS
    shelf = Shelf(
        start=drawn.start.astype(np.uint32),
        owner=owner,
        position=np.full(count, POSITION, np.uint8),
        quality=drawn.finger_quality,
        alive=np.ones(count, np.uint8),
        x=np.rint(drawn.x * STEPS_PER_PX).astype(np.uint16),
        y=np.rint(drawn.y * STEPS_PER_PX).astype(np.uint16),
        angle=angle.astype(np.uint16),
        info=(drawn.type.astype(np.uint16) * np.uint16(256)) | quality,
        sketch=np.zeros((len(drawn.x), SKETCH_WORDS), np.uint64),
    )
    return sketched(shelf, threads=1)


def opened(folder: Path, options: StoreOptions) -> GalleryStore:
    """The gallery of `make`. Raises BenchmarkError where another run has it open."""
    from matcher_service.galleries import GalleryError, GalleryStore

    try:
        return GalleryStore.open(folder, options)
    except GalleryError as error:
        raise BenchmarkError(f"{error}; or give another --cache") from error


def bytes_on_disk(folder: Path) -> int:
    """Of all files of a gallery."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def _main() -> None:
    """Make one gallery: in a process of its own, so that what it takes is not counted as the search's memory."""
    from benchmarks.accuracy.session import progress_bars

    folder, prints, seed, workers = Path(sys.argv[1]), *(int(a) for a in sys.argv[2:5])
    with progress_bars() as bars:
        task = bars.add_task(f"making {prints:,} prints", total=prints)
        make(folder, prints=prints, seed=seed, workers=workers, on_done=lambda n: bars.advance(task, n))


if __name__ == "__main__":
    _main()
