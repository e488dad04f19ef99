"""Gallery files of a matcher that does not run just now. One that runs rids its own of whoever is expunged."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from matcher_service.galleries.errors import GalleryError, GalleryLocked, GalleryOutdated
from matcher_service.search.shelf import keys_array

if TYPE_CHECKING:
    from pathlib import Path


class Rid(StrEnum):
    """What became of the files."""

    NONE = "there are none"
    DONE = "rid of it"
    RUNNING = "a matcher runs and does it within seconds"
    FAILED = "failed; the matcher does it at its next start"


def rid_of(base: Path | None, repository: str, identity: str) -> Rid:
    """Take an identity out of the gallery files below `base`, and write them anew without it."""
    from matcher_service.galleries.building import StoreOptions, claim
    from matcher_service.galleries.manifest import read_manifest
    from matcher_service.galleries.store import GalleryStore

    if base is None or not (base / repository).is_dir():
        return Rid.NONE
    try:
        lock = claim(base, wait_s=0.0)
    except GalleryLocked:
        return Rid.RUNNING
    except GalleryError:
        return Rid.FAILED
    try:
        folder = base / repository
        digest = read_manifest(folder).stamp.digest
        store = GalleryStore.open(
            folder, StoreOptions(repository=repository, digest=digest, journal_prints=0, lock_wait_s=0.0)
        )
        try:
            store.apply(removed=keys_array([identity]))
            store.ask_erase()
            store.compact(purge=True)
            return Rid.DONE if store.erased else Rid.FAILED
        finally:
            store.close()
    except GalleryOutdated:
        return Rid.FAILED
    except GalleryError:
        return Rid.FAILED
    finally:
        lock.release()
