"""The galleries in memory, one for each repository, kept in step with what is enrolled."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from interchange.errors import TemplateError
from interchange.logs import facts
from matcher_service.repositories.prints import read_single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.repositories import Repositories, StoredPrint

log = logging.getLogger("matcher.galleries")


class FoundIdentity(Protocol):
    """A candidate, as a gallery gives it."""

    @property
    def key(self) -> str:
        """The identity."""
        ...

    @property
    def score(self) -> float:
        """Its fused score; the higher the likelier."""
        ...


class SearchableGallery(Protocol):
    """What is needed of `matcher_service.search.Gallery`."""

    def __len__(self) -> int:
        """Number of prints."""
        ...

    def add_many(self, prints: Iterable[tuple[str, int, Minutiae]]) -> None:
        """Add prints, each (identity, position, minutiae)."""
        ...

    def remove(self, key: str) -> int:
        """Remove the prints of an identity."""
        ...

    def search(self, prints: Sequence[tuple[int, Minutiae]], *, limit: int) -> Sequence[FoundIdentity]:
        """Candidates, best first."""
        ...

    def warm_up(self) -> None:
        """Be as fast at the first search as at the next."""
        ...


class LiveGalleries:
    """All repositories' galleries. Used by one thread."""

    def __init__(self, *, repositories: Repositories, make_gallery: Callable[[], SearchableGallery]) -> None:
        self._repositories = repositories
        self._make = make_gallery
        self._galleries: dict[str, SearchableGallery] = {}
        self._identities: dict[str, set[str]] = {}
        self._seq = 0

    def load(self) -> None:
        """Compile what there is to compile, and read in all that is enrolled."""
        self._make().warm_up()
        # What changes while we read is read again: adding an identity anew replaces it.
        self._seq = self._repositories.last_change()
        for name in self._repositories.names():
            self._add(name, self._repositories.prints(name))
            log.info("gallery loaded", extra=facts(repository=name, prints=len(self._galleries[name])))
        if not self._galleries:
            log.warning("there is no repository yet, so every reply will be empty; make one")

    def refresh(self) -> None:
        """Take in what was enrolled or removed since the last time, by whatever process."""
        for name in self._repositories.names():
            self._ensure(name)
        changes = self._repositories.changes_since(self._seq)
        for name, identities in changes.identities.items():
            for identity in identities & self._identities[name]:
                self._galleries[name].remove(identity)
            self._identities[name] -= identities
            self._add(name, self._repositories.prints(name, identities))
        self._seq = changes.last_seq

    def __iter__(self) -> Iterator[tuple[str, SearchableGallery]]:
        """Name and gallery of each repository, by name."""
        return iter(sorted(self._galleries.items()))

    def _ensure(self, name: str) -> None:
        if name not in self._galleries:
            self._galleries[name] = self._make()
            self._identities[name] = set()

    def _add(self, name: str, prints: Iterable[StoredPrint]) -> None:
        self._ensure(name)
        ready: list[tuple[str, int, Minutiae]] = []
        for stored in prints:
            try:
                position, minutiae = read_single(stored.record)
            except TemplateError as error:
                damaged = facts(repository=name, encounter=stored.encounter, reason=error)
                log.error("stored print cannot be read and is not searched", extra=damaged)  # noqa: TRY400
                continue
            ready.append((stored.identity, position, minutiae))
            self._identities[name].add(stored.identity)
        self._galleries[name].add_many(ready)
