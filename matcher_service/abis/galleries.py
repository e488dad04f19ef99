"""The galleries that identify searches: of the clients' repositories alone, opened at the first identify.

They are this process's own, kept in a folder beside the matcher's and followed in the same way: each search begins with
what was enrolled or removed until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.abis import parameters
from matcher_service.galleries.live import LiveGalleries
from matcher_service.gallery_worker import GalleryWorker
from matcher_service.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from interchange.minutiae import Minutiae
    from matcher_service.galleries import PrintSource
    from matcher_service.galleries.live import FoundIdentity, SearchableGallery
    from matcher_service.repositories import Database


class _Some(Repositories):
    """As if there were no others."""

    def __init__(self, database: Database, names: Iterable[str]) -> None:
        super().__init__(database)
        self._only = frozenset(names)

    def names(self) -> list[str]:
        """Those that were asked for, if they exist."""
        return [name for name in super().names() if name in self._only]


class AbisGalleries:
    """For several threads: one thread of its own touches the galleries."""

    def __init__(
        self,
        database: Database,
        names: Iterable[str],
        *,
        make_gallery: Callable[[PrintSource], SearchableGallery],
        folder: Path | None = None,
        threads: int | None = None,
    ) -> None:
        self._repositories = _Some(database, names)
        self._make, self._folder, self._threads = make_gallery, folder, threads
        self._worker = GalleryWorker()
        self._live: LiveGalleries | None = None

    def search(
        self, repository: str, prints: Sequence[tuple[int, Minutiae]], *, limit: int
    ) -> tuple[Sequence[FoundIdentity], int]:
        """Candidates, best first, and among how many identities. Raises whatever hinders a search."""
        return self._worker.submit(lambda: self._search(repository, prints, limit)).result(
            parameters.SEARCH_PATIENCE_S
        )

    def close(self) -> None:
        """Let go of the folder, once what is under way is done."""
        if self._worker.stop(parameters.STOP_WAIT_S) and self._live is not None:
            self._live.close()

    def _search(
        self, repository: str, prints: Sequence[tuple[int, Minutiae]], limit: int
    ) -> tuple[Sequence[FoundIdentity], int]:
        if self._live is None:
            live = LiveGalleries(
                repositories=self._repositories,
                make_gallery=self._make,
                folder=self._folder,
                threads=self._threads,
            )
            try:
                live.load()
            except BaseException:
                live.close()
                raise
            self._live = live
        else:
            self._live.refresh()
        gallery = dict(self._live)[repository]
        return gallery.search(prints, limit=limit), gallery.identities
