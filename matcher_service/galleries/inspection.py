"""A look into a gallery's folder from outside, without its lock: how much is in it, and whether it is sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.galleries.contents import Contents
from matcher_service.galleries.errors import GalleryDamaged
from matcher_service.galleries.journal import Mark, replay
from matcher_service.galleries.manifest import Manifest, read_manifest
from matcher_service.galleries.segment import open_segment, verify_segment

if TYPE_CHECKING:
    from pathlib import Path

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class GalleryFacts:
    """What a gallery's folder holds.

    Attributes:
        repository: whose it is.
        prints: that can be found.
        dead: deleted ones that still take room.
        segments: number of segments.
        segment_bytes: their size.
        journal_bytes: size of the journals.
        journal_records: records in them.
        mark: what it is current up to.
    """

    repository: str
    prints: int
    dead: int
    segments: int
    segment_bytes: int
    journal_bytes: int
    journal_records: int
    mark: Mark


def inspect_gallery(folder: Path, *, verify: bool = False) -> GalleryFacts:
    """Read a gallery that a matcher may be writing meanwhile; with `verify` every byte of it.

    Raises GalleryOutdated if there is none, and GalleryDamaged.
    """
    for attempt in range(_ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            return _inspect(folder, manifest, verify=verify)
        except GalleryDamaged:
            # A compaction may have taken the files away since we read of them.
            if attempt == _ATTEMPTS - 1 or read_manifest(folder) == manifest:
                raise
    raise AssertionError


def _inspect(folder: Path, manifest: Manifest, *, verify: bool) -> GalleryFacts:
    paths = [folder / name for name in manifest.segments]
    contents = Contents([open_segment(path, manifest.stamp) for path in paths])
    if verify:
        for path in paths:
            verify_segment(path, manifest.stamp)
    replays = [replay(folder / name, manifest.stamp) for name in manifest.journals]
    changes = [change for each in replays for change in each.changes]
    contents.replay(changes)
    return GalleryFacts(
        repository=manifest.repository,
        prints=len(contents),
        dead=contents.dead,
        segments=len(paths),
        segment_bytes=sum(path.stat().st_size for path in paths),
        journal_bytes=sum(each.size for each in replays),
        journal_records=len(changes),
        mark=changes[-1].mark if changes else replays[0].mark,
    )
