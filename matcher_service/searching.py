"""The search for submissions that wait: a thread of its own, so that the conversation never waits for it.

Its queue is the database: what was acknowledged and not answered is found there, also after a crash. Where a
submission is searched is decided by `routing` when its turn comes, and asked once more before it is answered. The
galleries belong to a thread of theirs, so that a reply can go out at its deadline whatever a search is doing.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from interchange.errors import MessageError
from interchange.logs import facts
from interchange.messages import (
    MAX_REPOSITORIES,
    CaptureProblem,
    Colour,
    Reply,
    RepositoryReply,
    Submission,
    decode_message,
    encode_message,
)
from matcher_service import parameters
from matcher_service.capture import look_at
from matcher_service.errors import StoreError
from matcher_service.gallery_worker import GalleryWorker
from matcher_service.intake import read_prints
from matcher_service.repositories import Outcome, SearchOutcome, StoredReply
from matcher_service.repository_search import RepositorySearch
from matcher_service.routing import Answer, Verdict
from matcher_service.routing.parameters import REPLY_DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.galleries import LiveGalleries, SearchableGallery
    from matcher_service.repositories import Submissions, WaitingSubmission
    from matcher_service.routing import Decision
    from matcher_service.routing.router import Router

log = logging.getLogger("matcher.search")

_Searched = tuple[SearchOutcome, CaptureProblem | None]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A submission as the galleries are asked for it."""

    prints: list[tuple[int, Minutiae]]
    problems: list[CaptureProblem]
    galleries: dict[str, SearchableGallery]
    took_ms: float


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found until the deadline; `late` are the repositories that were not done by then."""

    searches: dict[str, SearchOutcome]
    problems: list[CaptureProblem]
    late: frozenset[str]
    decode_ms: float


class Searching:
    """Answers what waits, one submission after the other: the urgent first, then the oldest."""

    def __init__(
        self,
        *,
        submissions: Submissions,
        galleries: LiveGalleries,
        router: Router,
        colour: Callable[[float, int], str],
        tell: Callable[[StoredReply], object],
        ready: Callable[[], None] = lambda: None,
        max_candidates: int = parameters.MAX_CANDIDATES,
        reply_deadline_s: float = REPLY_DEADLINE_S,
        colour_of: Callable[[str], Callable[[float, int], str]] | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        """`colour` is as in `RepositorySearch`. `ready` is called once searches are fast.

        What the rules would have searched in repositories `elsewhere` is to follow, and not searched here; see `relay`.
        """
        self._submissions = submissions
        self._galleries = galleries
        self._router = router
        self._one = RepositorySearch(colour=colour, max_candidates=max_candidates, colour_of=colour_of)
        self._tell = tell
        self._ready = ready
        self._deadline_s = reply_deadline_s
        self._elsewhere = frozenset(elsewhere)
        self._worker = GalleryWorker()
        self._followed = time.monotonic()
        self._releasing = threading.Event()
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
        until = time.monotonic() + timeout_s
        self._stopping.set()
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        return self._worker.stop(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._worker.submit(self._galleries.load).result()
                self._router.warm_up()
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
                    self._follow_when_idle()
                    self._work.wait(parameters.SEARCH_POLL_S)
            except Exception:
                # Staying up but dead is the worst: the submission is counted, and tried again or given up.
                log.exception("fault in a search")
                self._stopping.wait(parameters.SEARCH_POLL_S)

    def _follow_when_idle(self) -> None:
        """What was enrolled or expunged meanwhile is taken in although nothing is searched."""
        if time.monotonic() - self._followed > parameters.FOLLOW_WHEN_IDLE_S:
            self._followed = time.monotonic()
            self._worker.submit(self._galleries.refresh).result()

    def answer_next(self) -> bool:
        """Search and answer the submission whose turn it is; False if none waits. Raises StoreError."""
        self._take_up_released()
        waiting = self._submissions.begin_next()
        if waiting is None:
            return False
        began = time.monotonic()
        timings = {"waiting": max(0.0, (datetime.now(UTC) - waiting.received_at).total_seconds() * 1000)}
        given_up = waiting.attempts > parameters.SEARCH_ATTEMPTS
        if given_up:
            log.error("search given up", extra=facts(tcn=waiting.tcn, attempts=waiting.attempts - 1))
        decisions = self._decide(waiting, given_up=given_up)
        opened = [d.repository for d in decisions if d.verdict is Verdict.SEARCH]
        wanted = [name for name in opened if name not in self._elsewhere]
        first = {d.repository for d in decisions if d.answer is Answer.FIRST}
        looked = self._look(waiting, wanted, first, until=began + self._deadline_s, given_up=given_up)
        gone = self._router.shut(waiting.id, wanted) if wanted else set[str]()
        searches = [looked.searches[name] for name in wanted if name not in gone]
        timings["decode"] = looked.decode_ms
        timings |= {f"search.{s.repository}": s.duration_ms for s in searches if s.repository in first}
        timings["total"] = timings["waiting"] + (time.monotonic() - began) * 1000
        shown = [s for s in searches if s.repository in first]
        to_follow = [s.repository for s in searches if s.repository not in first]
        to_follow += [name for name in opened if name in self._elsewhere]
        not_searched = sorted(gone) if to_follow or shown else [d.repository for d in decisions]
        payload = _reply(
            waiting.tcn,
            shown,
            to_follow=to_follow,
            not_searched=not_searched,
            timings_ms=timings,
            problems=looked.problems,
        )
        reply = StoredReply(waiting.tcn, waiting.device, payload)
        outcome = Outcome.FAILED if given_up else Outcome.ANSWERED
        late = looked.late - gone
        stored = partial(self._router.stored, submission=waiting.id, late=bool(late))
        if self._submissions.finish(waiting, reply.payload, searches, outcome, also=stored):
            told = facts(
                tcn=waiting.tcn, total_ms=timings["total"], **{s.repository: s.colour for s in shown}
            )
            log.info("answered", extra=told)
            self._tell(reply)
        return True

    def _decide(self, waiting: WaitingSubmission, *, given_up: bool) -> list[Decision]:
        """Where it is to be searched. What cannot be decided is not searched, and given up in the end."""
        try:
            return self._router.decide(waiting.id)
        except StoreError:
            raise
        except Exception:
            if not given_up:
                raise
            log.exception("submission cannot be routed", extra=facts(tcn=waiting.tcn))
            return []

    def _look(
        self,
        waiting: WaitingSubmission,
        wanted: Sequence[str],
        first: Collection[str],
        *,
        until: float,
        given_up: bool,
    ) -> _Looked:
        """Search the repositories, until the deadline. What is not done then is called failed, and made up for."""
        searched_at, began = datetime.now(UTC), time.monotonic()
        prepared = self._worker.submit(partial(self._prepare, waiting, given_up=given_up))
        futures = {
            # By then it is done: one thing after the other.
            name: self._worker.submit(lambda name=name: self._search(name, prepared.result()))
            for name in wanted
        }
        everything: list[Future[Any]] = [prepared, *futures.values()]
        wait(everything, timeout=max(0.0, until - time.monotonic()))
        ready = prepared.result() if prepared.done() else None
        problems = [] if ready is None else list(ready.problems)
        searches: dict[str, SearchOutcome] = {}
        late: set[str] = set()
        for name, future in futures.items():
            if not future.done():
                future.cancel()
                late.add(name)
                searches[name] = _failed(name, searched_at, (time.monotonic() - began) * 1000)
                log.error("search too slow for the reply", extra=facts(tcn=waiting.tcn, repository=name))
                continue
            searches[name], slip = future.result()
            # What a hit betrays of the labels is not said of a repository that is answered only after review.
            if slip is not None and name in first and all(p.fault != slip.fault for p in problems):
                problems.append(slip)
                log.warning("wrong labels", extra=facts(tcn=waiting.tcn, repository=name, fault=slip.fault))
        took_ms = 0.0 if ready is None else ready.took_ms
        return _Looked(searches, problems, frozenset(late), took_ms)

    # -- on the galleries' thread

    def _prepare(self, waiting: WaitingSubmission, *, given_up: bool = False) -> _Prepared:
        began = time.monotonic()
        self._galleries.refresh()
        prints, problems = look_at([] if given_up else self._read(waiting))
        for problem in problems:
            slip = facts(tcn=waiting.tcn, fault=problem.fault, positions=problem.positions)
            log.warning("prints taken wrongly", extra=slip)
        return _Prepared(prints, problems, dict(self._galleries), (time.monotonic() - began) * 1000)

    def _search(self, name: str, ready: _Prepared) -> _Searched:
        gallery = ready.galleries.get(name)
        if gallery is None:  # made while we looked
            return _failed(name, datetime.now(UTC), 0.0), None
        return self._one.search(name, gallery, ready.prints)

    def _read(self, waiting: WaitingSubmission) -> list[tuple[int, Minutiae]]:
        """What was readable at the door; if it no longer is, the program has changed since."""
        try:
            return read_prints(decode_message(Submission, waiting.payload))
        except MessageError as error:
            unreadable = facts(tcn=waiting.tcn, field=error.field, reason=error.reason)
            log.error("stored submission cannot be read", extra=unreadable)  # noqa: TRY400
            return []

    # -- what a later report opened, or a reply could not wait for

    def _take_up_released(self) -> None:
        """Have the next of them searched; its result goes to review, not into a rapid reply."""
        if self._releasing.is_set():
            return
        waiting = self._submissions.next_released()
        if waiting is None:
            return
        self._releasing.set()
        self._worker.submit(partial(self._search_released, waiting))

    def _search_released(self, waiting: WaitingSubmission) -> None:
        try:
            released = [d.repository for d in self._router.decide_released(waiting.id)]
            wanted = [name for name in released if name not in self._elsewhere]
            ready = self._prepare(waiting)
            found = {name: self._search(name, ready)[0] for name in wanted}
            gone = self._router.shut(waiting.id, wanted) if wanted else set[str]()
            kept = [found[name] for name in wanted if name not in gone]
            if self._submissions.add_later(
                waiting.id, kept, also=partial(self._router.released, submission=waiting.id)
            ):
                log.info("searched later", extra=facts(tcn=waiting.tcn, repositories=len(kept)))
        except Exception:
            log.exception("a later search failed; it is tried again", extra=facts(tcn=waiting.tcn))
            self._stopping.wait(parameters.SEARCH_POLL_S)
        finally:
            self._releasing.clear()
            self._work.set()


def _failed(repository: str, searched_at: datetime, duration_ms: float) -> SearchOutcome:
    """Not searched, or not in time: yellow, never green."""
    return SearchOutcome(
        repository=repository,
        searched_at=searched_at,
        duration_ms=duration_ms,
        gallery_prints=0,
        colour=Colour.YELLOW,
        failed=True,
    )


def _reply(
    tcn: str,
    searches: Sequence[SearchOutcome],
    *,
    to_follow: Sequence[str],
    not_searched: Sequence[str],
    timings_ms: Mapping[str, float],
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
            to_follow=tuple(to_follow),
            not_searched=tuple(not_searched[:MAX_REPOSITORIES]),
        )
    )
