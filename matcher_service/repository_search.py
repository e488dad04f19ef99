"""One repository searched for one submission, on the thread that touches the galleries."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.logs import facts
from interchange.messages import CaptureProblem, Colour
from matcher_service import parameters
from matcher_service.capture import relabelled_problem, swapped_hands, swapped_hands_problem
from matcher_service.repositories import FoundCandidate, SearchOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.galleries import SearchableGallery

log = logging.getLogger("matcher.search")


class RepositorySearch:
    """`colour` gives a candidate's colour for its evidence and the number of identities it was found among.

    Evidence is -log10 of the false match rate.
    """

    def __init__(
        self,
        *,
        colour: Callable[[float, int], str],
        max_candidates: int,
        colour_of: Callable[[str], Callable[[float, int], str]] | None = None,
    ) -> None:
        """`colour_of` gives the colours of a repository whose owner has thresholds of its own; else `colour` counts."""
        self._colour = colour
        self._colour_of = colour_of
        self._max_candidates = max_candidates

    def search(
        self, name: str, gallery: SearchableGallery, prints: Sequence[tuple[int, Minutiae]]
    ) -> tuple[SearchOutcome, CaptureProblem | None]:
        """One repository, and which labels had to be wrong for somebody to be found.

        A fault in it is yellow, never green, and leaves the others alone.
        """
        searched_at = datetime.now(UTC)
        began = time.monotonic()
        found: list[FoundCandidate] = []
        colour = Colour.YELLOW
        failed = True
        slip: CaptureProblem | None = None
        try:
            # Prints that hold next to nothing match nobody: "none found" would be said without having looked.
            searchable = [(at, m) for at, m in prints if len(m) >= parameters.LEAST_MINUTIAE]
            if searchable:
                colours = self._colour if self._colour_of is None else self._colour_of(name)
                found, colour, slip = self._candidates(gallery, searchable, colours)
                failed = False
                other_way = swapped_hands(searchable)
                if colour is not Colour.RED and other_way:
                    # To be believed against the labels, it must be more than a stranger's by so much more.
                    less = parameters.WRONG_LABELS_LOG10
                    swapped, its, _ = self._candidates(gallery, other_way, colours, less=less)
                    if its is Colour.RED:
                        found, colour, slip = swapped, its, swapped_hands_problem(prints)
        except Exception:
            log.exception("search of a repository failed", extra=facts(repository=name))
        outcome = SearchOutcome(
            repository=name,
            searched_at=searched_at,
            duration_ms=(time.monotonic() - began) * 1000,
            gallery_prints=len(gallery),
            colour=colour,
            failed=failed,
            candidates=tuple(found),
        )
        return outcome, slip

    def _candidates(
        self,
        gallery: SearchableGallery,
        prints: Sequence[tuple[int, Minutiae]],
        colours: Callable[[float, int], str],
        *,
        less: float = 0.0,
    ) -> tuple[list[FoundCandidate], Colour, CaptureProblem | None]:
        """Who is found, without the green, the colour of the best, and which of the labels it says are wrong.

        `less` is taken off their evidence.
        """
        from matcher_service.search.decision import expected_fpir

        identities = gallery.identities
        found: list[FoundCandidate] = []
        best, slip = Colour.GREEN, None
        for candidate in gallery.search(prints, limit=self._max_candidates):
            evidence = max(0.0, candidate.score - less)
            its = Colour(colours(evidence, identities))
            if its is Colour.GREEN:
                continue
            if not found:
                best = its
                slip = relabelled_problem(candidate.relabelled) if candidate.relabelled else None
            fpir = expected_fpir(-evidence, identities)
            found.append(
                FoundCandidate(secrets.token_urlsafe(12), candidate.key, candidate.score, -evidence, fpir)
            )
        return found, best, slip
