"""The search for submissions that wait: a thread of its own, so that the conversation never waits for it.

Its queue is the database: what was acknowledged and not answered is found there, also after a crash.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.errors import MessageError
from interchange.logs import facts
from interchange.messages import (
    CaptureProblem,
    Colour,
    Reply,
    RepositoryReply,
    Submission,
    decode_message,
    encode_message,
)
from matcher_service import parameters
from matcher_service.capture import look_at, relabelled_problem, swapped_hands, swapped_hands_problem
from matcher_service.intake import read_prints
from matcher_service.repositories import FoundCandidate, Outcome, SearchOutcome, StoredReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.galleries import LiveGalleries, SearchableGallery
    from matcher_service.repositories import Submissions, WaitingSubmission

log = logging.getLogger("matcher.search")


class Searching:
    """Answers what waits, one submission after the other, oldest first."""

    def __init__(
        self,
        *,
        submissions: Submissions,
        galleries: LiveGalleries,
        colour: Callable[[float, int], str],
        tell: Callable[[StoredReply], object],
        ready: Callable[[], None] = lambda: None,
        max_candidates: int = parameters.MAX_CANDIDATES,
    ) -> None:
        """`colour` gives a candidate's colour for its evidence and the number of identities it was found among.

        Evidence is -log10 of the false match rate. `ready` is called once searches are fast.
        """
        self._submissions = submissions
        self._galleries = galleries
        self._colour = colour
        self._tell = tell
        self._ready = ready
        self._max_candidates = max_candidates
        self._stopping = threading.Event()
        self._work = threading.Event()
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)

    def start(self) -> None:
        """Load the galleries, then search, in the background."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to search."""
        self._work.set()

    def stop(self, timeout_s: float) -> bool:
        """Finish the submission that is under way. False if that takes longer; it is resumed at a start."""
        self._stopping.set()
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._galleries.load()
                break
            except Exception:
                log.exception("the galleries cannot be loaded; trying again")
                self._stopping.wait(parameters.SEARCH_POLL_S)
        if not self._stopping.is_set():
            self._ready()
        while not self._stopping.is_set():
            self._work.clear()
            try:
                if not self.answer_next():
                    self._work.wait(parameters.SEARCH_POLL_S)
            except Exception:
                # Staying up but dead is the worst: the submission is counted, and tried again or given up.
                log.exception("fault in a search")
                self._stopping.wait(parameters.SEARCH_POLL_S)

    def answer_next(self) -> bool:
        """Search and answer the oldest submission that waits; False if there is none. Raises StoreError."""
        waiting = self._submissions.begin_next()
        if waiting is None:
            return False
        began = time.monotonic()
        timings = {"waiting": max(0.0, (datetime.now(UTC) - waiting.received_at).total_seconds() * 1000)}
        given_up = waiting.attempts > parameters.SEARCH_ATTEMPTS
        if given_up:
            log.error("search given up", extra=facts(tcn=waiting.tcn, attempts=waiting.attempts - 1))
        self._galleries.refresh()
        prints, problems = look_at([] if given_up else self._read(waiting))
        for problem in problems:
            slip = facts(tcn=waiting.tcn, fault=problem.fault, positions=problem.positions)
            log.warning("prints taken wrongly", extra=slip)
        timings["decode"] = (time.monotonic() - began) * 1000
        searches: list[SearchOutcome] = []
        for name, gallery in self._galleries:
            search, slip = self._search(name, gallery, prints)
            searches.append(search)
            if slip is not None and all(p.fault != slip.fault for p in problems):
                problems.append(slip)
                log.warning("wrong labels", extra=facts(tcn=waiting.tcn, repository=name, fault=slip.fault))
        timings |= {f"search.{s.repository}": s.duration_ms for s in searches}
        timings["total"] = timings["waiting"] + (time.monotonic() - began) * 1000
        reply = StoredReply(waiting.tcn, waiting.device, _reply(waiting.tcn, searches, timings, problems))
        outcome = Outcome.FAILED if given_up else Outcome.ANSWERED
        if self._submissions.finish(waiting, reply.payload, searches, outcome):
            colours = {s.repository: s.colour for s in searches}
            log.info("answered", extra=facts(tcn=waiting.tcn, total_ms=timings["total"], **colours))
            self._tell(reply)
        return True

    def _read(self, waiting: WaitingSubmission) -> list[tuple[int, Minutiae]]:
        """What was readable at the door; if it no longer is, the program has changed since."""
        try:
            return read_prints(decode_message(Submission, waiting.payload))
        except MessageError as error:
            unreadable = facts(tcn=waiting.tcn, field=error.field, reason=error.reason)
            log.error("stored submission cannot be read", extra=unreadable)  # noqa: TRY400
            return []

    def _search(
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
                found, colour, slip = self._candidates(gallery, searchable)
                failed = False
                other_way = swapped_hands(searchable)
                if colour is not Colour.RED and other_way:
                    # To be believed against the labels, it must be more than a stranger's by so much more.
                    less = parameters.WRONG_LABELS_LOG10
                    swapped, its, _ = self._candidates(gallery, other_way, less=less)
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
        self, gallery: SearchableGallery, prints: Sequence[tuple[int, Minutiae]], *, less: float = 0.0
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
            its = Colour(self._colour(evidence, identities))
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


def _reply(
    tcn: str,
    searches: Sequence[SearchOutcome],
    timings_ms: dict[str, float],
    problems: Sequence[CaptureProblem],
) -> bytes:
    return encode_message(
        Reply(
            tcn=tcn,
            answered_at=datetime.now(UTC),
            repositories=tuple(
                RepositoryReply(
                    name=s.repository,
                    colour=Colour(s.colour),
                    candidates=tuple(c.reference for c in s.candidates),
                    failed=s.failed,
                )
                for s in searches
            ),
            timings_ms={stage: round(ms, 3) for stage, ms in timings_ms.items()},
            capture_problems=tuple(problems),
        )
    )
