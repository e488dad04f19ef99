"""What a search from the command line asks of a gallery, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange import Minutiae


class ScoredPrint(Protocol):
    """How one finger compared, as a gallery gives it."""

    @property
    def position(self) -> int:
        """Of the probe."""
        ...

    @property
    def score(self) -> float:
        """Of the two prints."""
        ...


class Found(Protocol):
    """A candidate, as a gallery gives it."""

    @property
    def key(self) -> str:
        """The identity."""
        ...

    @property
    def score(self) -> float:
        """Fused over fingers."""
        ...

    @property
    def prints(self) -> Sequence[ScoredPrint]:
        """What each finger gave."""
        ...


class DeskGallery(Protocol):
    """What is needed of a gallery that reads a `PrintSource`."""

    def __len__(self) -> int:
        """Number of prints."""
        ...

    def search(self, prints: Sequence[tuple[int, Minutiae]], *, limit: int) -> Sequence[Found]:
        """Candidates, best first."""
        ...

    def warm_up(self) -> None:
        """Be as fast at the first search as at the next."""
        ...
