"""`python -m benchmarks.gallery_size --prints 1000000`: how fast a large gallery starts, changes and compacts.

Its prints are random columns of the right size: nothing here looks at what is in them.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import numpy as np
import typer

from matcher_service.galleries import Disk, OpenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matcher_service.galleries import GalleryStore
    from matcher_service.search.shelf import Shelf

T = TypeVar("T")

DIGEST = "ab" * 32
SHELF_PRINTS = 250_000
TRIES = 100
JOURNAL_RECORDS = 10_000
BAR_START_S = 10.0
BAR_PRINT_BYTES = 1024


class _Unsynced(Disk):
    """For filling a journal: ten thousand syncs would take a minute."""

    def sync(self, file: OpenFile) -> None:
        """Leave it to the operating system."""


def main(
    *,
    prints: Annotated[int, typer.Option(min=1000, help="Prints in the gallery.")] = 1_000_000,
    minutiae: Annotated[int, typer.Option(min=1, max=160, help="Minutiae of each.")] = 40,
    folder: Annotated[Path | None, typer.Option(help="Where; a temporary folder if none is named.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Build, start, change and compact a large gallery, and print how long each takes.

    Example: python -m benchmarks.gallery_size --prints 1000000
    """
    from rich.console import Console
    from rich.table import Table

    from matcher_service.galleries import GalleryStore, Mark, StoreOptions

    console = Console(stderr=True)
    figures: dict[str, float] = {"prints": prints, "minutiae": minutiae}
    options = StoreOptions(repository="trial", digest=DIGEST, journal_prints=0)
    with tempfile.TemporaryDirectory(dir=folder, prefix="gallery-size-") as made:
        where = Path(made) / "gallery"
        with console.status(f"Building {prints:,} prints"):
            figures["build_s"], store = _timed(
                lambda: GalleryStore.build(where, options, _shelves(prints, minutiae), mark=Mark())
            )
        store.close()
        del store
        figures["bytes_a_print_on_disk"] = sum(p.stat().st_size for p in where.iterdir()) / prints
        _forget(where)
        before = _resident_bytes()
        figures["start_s"], store = _timed(lambda: GalleryStore.open(where, options))
        with console.status("Touching, changing"):
            figures["touch_all_s"], _ = _timed(
                lambda: [int(column.max()) for shelf in store.shelves() for column in shelf]
            )
            after = _resident_bytes()
            for kind in after:
                figures[f"{kind}_bytes_a_print"] = (after[kind] - before[kind]) / prints
            _changes(store, minutiae, figures)
        with console.status("Filling a journal"):
            store.close()
            figures["journal_records"] = JOURNAL_RECORDS
            _fill_journal(GalleryStore.open(where, replace(options, disk=_Unsynced())), minutiae)
        del store
        _forget(where)
        figures["start_with_a_full_journal_s"], store = _timed(lambda: GalleryStore.open(where, options))
        with console.status("Compacting all of it, with inserts and searches going on"):
            _compaction(store, minutiae, figures)
        store.close()
    table = Table("What", "Measured", "Bar", title=f"{prints:,} prints of {minutiae} minutiae")
    bars = {
        "start_s": f"{BAR_START_S:g}",
        "start_with_a_full_journal_s": f"{BAR_START_S:g}",
        "mapped_bytes_a_print": f"{BAR_PRINT_BYTES} with the private",
    }
    for what, value in figures.items():
        table.add_row(what, f"{value:,.3f}".rstrip("0").rstrip("."), bars.get(what, ""))
    console.print(table)
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    text = json.dumps({**figures, "machine": machine}, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


def _shelves(prints: int, minutiae: int) -> Iterator[Shelf]:
    for first in range(0, prints, SHELF_PRINTS):
        yield _shelf(min(SHELF_PRINTS, prints - first), minutiae, seed=first)


def _shelf(prints: int, minutiae: int, *, seed: int) -> Shelf:
    from matcher_service.search.packed import SKETCH_WORDS
    from matcher_service.search.shelf import Shelf

    random = np.random.default_rng(seed)
    n = prints * minutiae

    def halves() -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
        return random.integers(0, 2**16, n, np.uint16)

    return Shelf(
        start=np.arange(0, n + 1, minutiae, dtype=np.uint32),
        owner=random.integers(0, 2**64, (prints, 2), np.uint64),
        position=random.integers(1, 11, prints, np.uint8),
        quality=random.integers(0, 101, prints, np.uint8),
        alive=np.ones(prints, np.uint8),
        x=halves(),
        y=halves(),
        angle=halves(),
        info=halves(),
        sketch=random.integers(0, 2**64, (n, SKETCH_WORDS), np.uint64),
    )


def _changes(store: GalleryStore, minutiae: int, figures: dict[str, float]) -> None:
    from matcher_service.search.shelf import key_of

    enrolled = store.shelves()[0].owner
    shelves = [_shelf(1, minutiae, seed=k) for k in range(TRIES)]
    figures["insert_ms"] = _median_ms(lambda k: store.apply(added=shelves[k]))
    figures["removal_ms"] = _median_ms(lambda k: store.remove(key_of(enrolled[17 * k])))
    figures["contains_ms"] = _median_ms(lambda k: key_of(enrolled[29 * k]) in store)
    figures["shelves_ms"] = _median_ms(lambda _: store.shelves())
    figures["keys_s"], _ = _timed(store.keys)


def _fill_journal(store: GalleryStore, minutiae: int) -> None:
    """As many changes as a journal holds at most: one identity each, with two prints."""
    enrolled = store.shelves()[0].owner
    for k in range(JOURNAL_RECORDS):
        shelf = _shelf(2, minutiae, seed=k)
        shelf.owner[:] = enrolled[k]
        store.apply(removed=shelf.owner[:1], added=shelf)
    store.close()


def _compaction(store: GalleryStore, minutiae: int, figures: dict[str, float]) -> None:
    waits: dict[str, list[float]] = {"insert": [], "shelves": []}
    private = [_resident_bytes()["private"]]
    done = threading.Event()

    def go_on() -> None:
        for k in range(10**9):
            if done.is_set():
                return
            added = _shelf(1, minutiae, seed=k)
            waits["insert"].append(_timed(lambda added=added: store.apply(added=added))[0])
            waits["shelves"].append(_timed(store.shelves)[0])
            private.append(_resident_bytes()["private"])

    working = threading.Thread(target=go_on)
    working.start()
    figures["compaction_s"], _ = _timed(lambda: store.compact(purge=True))
    done.set()
    working.join()
    figures["private_bytes_a_print_while_compacting"] = (max(private) - private[0]) / figures["prints"]
    for what, seconds in waits.items():
        figures[f"{what}_while_compacting_p50_ms"] = 1000 * float(np.median(seconds))
        figures[f"{what}_while_compacting_max_ms"] = 1000 * max(seconds)


def _timed(do: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = do()
    return time.perf_counter() - began, result


def _median_ms(do: Callable[[int], object]) -> float:
    return 1000 * float(np.median([_timed(lambda k=k: do(k))[0] for k in range(TRIES)]))


def _forget(folder: Path) -> None:
    """Ask the operating system to drop what it has of the files, so that they come from the disk."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _resident_bytes() -> dict[str, int]:
    """Of this process, from /proc: private memory, and what is mapped from files (and can be dropped)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
    return {"private": 1024 * kib["RssAnon"], "mapped": 1024 * kib["RssFile"]}


if __name__ == "__main__":
    typer.run(main)
