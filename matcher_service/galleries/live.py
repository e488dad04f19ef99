"""The galleries of all repositories, kept in step with what is enrolled.

The database is the system of record, and a gallery's folder only what was made of it: whatever is wrong with the
folder, the gallery is built anew, and where that cannot be written it is kept in memory. A search never sees less
than the database has.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Protocol

from interchange.logs import facts
from matcher_service.galleries import parameters
from matcher_service.galleries.building import StoreOptions, claim
from matcher_service.galleries.errors import GalleryDamaged, GalleryOutdated, GalleryWriteFailed
from matcher_service.galleries.folder import set_aside
from matcher_service.galleries.journal import Mark
from matcher_service.galleries.packing import Packing
from matcher_service.galleries.source import MemoryStore, PrintSource
from matcher_service.galleries.store import GalleryStore
from matcher_service.search.shelf import GrowingShelf, keys_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from interchange.minutiae import Minutiae
    from matcher_service.galleries.lock import FolderLock
    from matcher_service.repositories import Repositories
    from matcher_service.search.packed import Packed
    from matcher_service.search.shelf import Shelf

log = logging.getLogger("matcher.galleries")


class FoundIdentity(Protocol):
    """A candidate, as a gallery gives it."""

    @property
    def key(self) -> str:
        """The identity."""
        ...

    @property
    def score(self) -> float:
        """Its evidence, -log10 of its false match rate; the higher the likelier."""
        ...

    @property
    def relabelled(self) -> tuple[tuple[int, int], ...]:
        """(position given, position enrolled) of fingers that must have been labelled wrong."""
        ...


class SearchableGallery(Protocol):
    """What is needed of `matcher_service.search.Gallery`, which reads its prints from a `PrintSource`."""

    def __len__(self) -> int:
        """Number of prints."""
        ...

    @property
    def identities(self) -> int:
        """Number of identities that have a print."""
        ...

    def search(self, prints: Sequence[tuple[int, Minutiae]], *, limit: int) -> Sequence[FoundIdentity]:
        """Candidates, best first."""
        ...

    def warm_up(self) -> None:
        """Be as fast at the first search as at the next."""
        ...


class LiveGalleries:
    """All repositories' galleries. Used by one thread, except for `close`, which comes after it."""

    def __init__(
        self,
        *,
        repositories: Repositories,
        make_gallery: Callable[[PrintSource], SearchableGallery],
        pack: Callable[[Minutiae], Packed] | None = None,
        folder: Path | None = None,
        threads: int | None = None,
        lock_wait_s: float = parameters.LOCK_WAIT_S,
    ) -> None:
        """In a `folder` of this process's own, or, without one, in memory. Raises GalleryLocked, GalleryWriteFailed."""
        if pack is None:
            from matcher_service.search.packed import pack_print as pack
        self._repositories = repositories
        self._make = make_gallery
        self._packing = Packing(pack=pack, threads=threads)
        self._folder = folder
        self._lock: FolderLock | None = None if folder is None else claim(folder, wait_s=lock_wait_s)
        self._digest = ""
        self._stores: dict[str, PrintSource] = {}
        self._galleries: dict[str, SearchableGallery] = {}
        # The change that each gallery's files are yet to be rid of.
        self._erasing: dict[str, int] = {}

    def load(self) -> None:
        """Compile what there is to compile, open what was kept, and take in what was enrolled since."""
        self._make(MemoryStore()).warm_up()
        self._digest = self._packing.digest()
        self.refresh()
        if not self._galleries:
            log.warning("there is no repository yet, so every reply will be empty; make one")

    def refresh(self) -> None:
        """Take in what was enrolled or removed since the last time, by whatever process."""
        for name in self._repositories.names():
            new = name not in self._stores
            if new:
                self._put(name, self._open(name))
            if not self._follow(name, self._stores[name]):
                log.warning(
                    "the database is not the one that the gallery was made from (restored from a copy?)",
                    extra=facts(repository=name),
                )
                self._stores.pop(name).close()
                self._put(name, self._build(name))
                self._follow(name, self._stores[name])
                new = True
            if new and self._folder is not None:
                self._erase(name, self._repositories.to_erase(name, self._folder.name))
            self._stores[name].maintain()
            self._tell_erased(name)

    def _erase(self, name: str, seq: int) -> None:
        """No file may keep anything of whoever was expunged up to change `seq`."""
        if seq > self._erasing.get(name, 0):
            self._erasing[name] = seq
            self._stores[name].erase()

    def _tell_erased(self, name: str) -> None:
        """Note in the database that the files are rid of it; a certificate of deletion waits for that."""
        if self._folder is not None and name in self._erasing and self._stores[name].erased:
            self._repositories.note_erased(name, self._folder.name, self._erasing.pop(name))
            log.info("what was expunged is out of the gallery's files", extra=facts(repository=name))

    def __iter__(self) -> Iterator[tuple[str, SearchableGallery]]:
        """Name and gallery of each repository, by name."""
        return iter(sorted(self._galleries.items()))

    def close(self) -> None:
        """Let go of the folder."""
        for store in self._stores.values():
            store.close()
        self._packing.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -- opening and building

    def _put(self, name: str, store: PrintSource) -> None:
        self._stores[name] = store
        self._galleries[name] = self._make(store)

    def _open(self, name: str) -> PrintSource:
        """What the folder has, or what the database has."""
        if self._folder is None:
            return self._build(name)
        began = time.monotonic()
        folder = self._folder / name
        try:
            store = GalleryStore.open(folder, self._options(name))
        except GalleryOutdated as error:
            log.info("gallery has to be built", extra=facts(repository=name, reason=error))
        except GalleryDamaged as error:
            aside = None
            with contextlib.suppress(OSError):  # then building will fail too, and say so
                aside = set_aside(folder, error.path)
            log.error(  # noqa: TRY400 - the message has it all
                "gallery is damaged and is built anew; the damaged file is kept for inspection",
                extra=facts(repository=name, reason=error, kept=aside or "nothing"),
            )
        except GalleryWriteFailed as error:
            return self._build_in_memory(name, error)
        else:
            ms = (time.monotonic() - began) * 1000
            log.info("gallery opened", extra=facts(repository=name, prints=len(store), ms=ms))
            return store
        return self._build(name)

    def _build(self, name: str) -> PrintSource:
        # What changes while we read is read again: the mark is older than all that is read.
        mark = Mark(*self._repositories.last_change(name))
        if self._folder is None:
            return self._read_into_memory(name, mark)
        folder = self._folder / name
        try:
            return GalleryStore.build(folder, self._options(name), self._shelves(name), mark=mark)
        except GalleryWriteFailed as error:
            return self._build_in_memory(name, error)

    def _build_in_memory(self, name: str, error: GalleryWriteFailed) -> MemoryStore:
        log.error(
            "gallery is kept in memory only, and will be read from the database at every start",
            extra=facts(repository=name, reason=error),
        )
        return self._read_into_memory(name, Mark(*self._repositories.last_change(name)))

    def _read_into_memory(self, name: str, mark: Mark) -> MemoryStore:
        store = MemoryStore(pack=self._packing.pack)
        for shelf in self._shelves(name):
            store.apply(added=shelf)
        store.apply(mark=mark)
        return store

    def _shelves(self, name: str) -> Iterator[Shelf]:
        """All prints of a repository, as shelves of a good size for a segment."""
        total = self._repositories.count_prints(name)
        began = told = time.monotonic()
        shelf = GrowingShelf(prints=min(total, parameters.BUILD_PRINTS))
        done = 0
        for page in self._repositories.print_pages(name, parameters.READ_PRINTS):
            shelf.extend(self._packing.shelf(name, page))
            done += len(page)
            if time.monotonic() - told > parameters.PROGRESS_S:
                told = time.monotonic()
                speed = done / (told - began)
                left = facts(repository=name, prints=done, of=total, a_second=round(speed))
                log.info("gallery is being built", extra=left)
            if len(shelf) >= parameters.BUILD_PRINTS:
                yield shelf.snapshot()
                shelf = GrowingShelf(prints=min(max(total - done, 0), parameters.BUILD_PRINTS))
        if len(shelf):
            yield shelf.snapshot()
        seconds = time.monotonic() - began
        log.info(
            "gallery built from the database", extra=facts(repository=name, prints=done, seconds=seconds)
        )

    def _options(self, name: str) -> StoreOptions:
        return StoreOptions(repository=name, digest=self._digest, pack=self._packing.pack)

    # -- following the database

    def _follow(self, name: str, store: PrintSource) -> bool:
        """Take in what changed; False if the database never was where this gallery is."""
        while True:
            changes = self._repositories.changes_since(name, *store.mark, limit=parameters.CHANGES)
            if changes is None:
                return False
            if not changes.identities:
                return True
            prints = self._repositories.prints(name, changes.identities)
            removed, added = keys_array(changes.identities), self._packing.shelf(name, prints)
            mark = Mark(changes.last_seq, changes.last_identity)
            try:
                store.apply(removed=removed, added=added, mark=mark)
                if self._folder is not None:
                    self._erase(name, changes.erase)
            except GalleryWriteFailed as error:
                log.error(  # noqa: TRY400 - the message has it all
                    "gallery cannot be written; it goes on in memory, and catches up at the next start",
                    extra=facts(repository=name, reason=error),
                )
                store.detach()
                store.apply(removed=removed, added=added, mark=mark)
