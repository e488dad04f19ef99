"""The files of a gallery's folder: their names, what is left over, what was damaged."""

from __future__ import annotations

import contextlib
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.logs import facts
from matcher_service.galleries import parameters
from matcher_service.galleries.manifest import MANIFEST_NAME, TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from matcher_service.galleries.disk import Disk

log = logging.getLogger("matcher.galleries")

_OURS = re.compile(r"(?:segment|journal)-(\d{8})")
_DAMAGED = ".damaged-"


def segment_name(number: int) -> str:
    """Name of a segment's file."""
    return f"segment-{number:08d}"


def journal_name(number: int) -> str:
    """Name of a journal's file."""
    return f"journal-{number:08d}"


def next_number(folder: Path) -> int:
    """A number that no file in the folder bears, nor a damaged one that was set aside."""
    found = (_OURS.match(path.name) for path in folder.iterdir())
    return max((int(match[1]) for match in found if match), default=0) + 1


def remove_leftovers(disk: Disk, folder: Path, named: Collection[str]) -> None:
    """Remove what an interrupted compaction or rebuild left: our own files that the manifest does not name.

    Raises OSError.
    """
    for path in sorted(folder.iterdir()):
        temporary = path.name == MANIFEST_NAME + TEMPORARY
        if temporary or (_OURS.fullmatch(path.name) and path.name not in named):
            disk.remove(path)
            log.info("leftover of an interrupted write removed", extra=facts(file=path))


def damaged_files(folder: Path) -> list[Path]:
    """What was set aside, oldest first. Raises OSError."""
    return sorted(
        (p for p in folder.iterdir() if _DAMAGED in p.name), key=lambda p: p.name.rpartition("-")[2]
    )


def set_aside(folder: Path, path: Path) -> Path | None:
    """Rename a damaged file so that somebody can look at it; None if there is none. Raises OSError.

    Of earlier ones only the newest are kept: they hold prints.
    """
    aside: Path | None = path.with_name(f"{path.name}{_DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        aside = None
    for old in damaged_files(folder)[: -parameters.DAMAGED_KEPT]:
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    return aside
