"""What can go wrong with a gallery's folder. Whatever it is, the database has everything, and a rebuild cures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from pathlib import Path


class GalleryError(MatcherError):
    """Base of what the gallery package raises on purpose.

    Attributes:
        path: the file or folder it is about.
        problem: what is wrong with it.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class GalleryDamaged(GalleryError):  # noqa: N818 - reads as what it is
    """A file that is missing, or that does not hold what was written. The matcher rebuilds the gallery by itself."""


class GalleryOutdated(GalleryError):  # noqa: N818 - reads as what it is
    """A gallery that was never built, or by a version whose files are different. The matcher rebuilds it."""


class GalleryWriteFailed(GalleryError):  # noqa: N818 - reads as what it is
    """A change that could not be written down, and was not made. Usually a full disk: make room, then restart."""


class GalleryLocked(GalleryError):  # noqa: N818 - reads as what it is
    """Another process has the folder.

    Attributes:
        holder: its process number, or "" if it is not known.
    """

    def __init__(self, path: Path, holder: str) -> None:
        self.holder = holder
        by = f"process {holder}" if holder else "another process"
        super().__init__(
            path,
            f"is in use by {by}. Stop that one, or, where two matchers are to share the work, give each its own"
            ' name: instance = "matcher-2" in its settings',
        )
