"""A search from the command line: recorded as a booking's is, with a TCN, its purpose, and opaque references.

It is made by the same right as a booking's, or by that of the repository's owner: see `desk_right`. The prints go into
the same store as a kiosk's submission, under the name `DESK`, before the search begins: there is no way to look
somebody up that leaves no trace, and a candidate found so can be explained and reviewed like any other. What a rule
answers only after review is not shown here either.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError
from sqlalchemy import select

from interchange.fingers import finger_name
from interchange.messages import (
    CaptureTime,
    Colour,
    ModelReference,
    Print,
    Purpose,
    Reply,
    RepositoryReply,
    Submission,
    encode_message,
)
from interchange.tcn import new_tcn
from matcher_service.accounts import NotPermitted
from matcher_service.auditing import note, record
from matcher_service.desk_right import NotOpen
from matcher_service.errors import MatcherError
from matcher_service.galleries import MemoryStore
from matcher_service.galleries.packing import Packing
from matcher_service.galleries.parameters import READ_PRINTS
from matcher_service.parameters import DESK, LEAST_MINUTIAE
from matcher_service.repositories import (
    FoundCandidate,
    Outcome,
    Repositories,
    SearchOutcome,
    Submissions,
    WaitingSubmission,
)
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.routing import Answer, Arrival, Verdict, withdraw
from matcher_service.routing.followers import searches_stored
from matcher_service.search.packed import pack_print
from matcher_service.search.repeated import same_finger_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matcher_service.desk_gallery import DeskGallery
    from matcher_service.desk_right import DeskRight
    from matcher_service.galleries import PrintSource
    from matcher_service.reading import NamedPrint
    from matcher_service.repositories import Database

    Watch = Callable[[Iterator[Any], int], Iterable[Any]]

UNKNOWN_MODEL = ModelReference(name="unknown", sha256="0" * 64)
_ACTION = "repository.search"
_NO_BOOT = "00000000-0000-0000-0000-000000000000"


class SearchRefused(MatcherError):  # noqa: N818 - reads as what it is
    """A search that is not made, and of which nothing is recorded.

    Attributes:
        reason: why not, and what to do.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class DeskCandidate:
    """A candidate with what each finger gave: (position, score)."""

    reference: str
    identity: str
    score: float
    colour: Colour
    fingers: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskResult:
    """What a search gave, and the TCN under which it is recorded.

    `to_follow` where the rule has people look at it first: then there is neither colour nor candidate.
    """

    tcn: str
    repository: str
    purpose: Purpose
    colour: Colour | None
    duration_ms: float
    gallery_prints: int
    candidates: tuple[DeskCandidate, ...]
    to_follow: bool = False


def purpose_of(text: str) -> Purpose:
    """The purpose by its name. Raises SearchRefused for any other."""
    try:
        return Purpose(text)
    except ValueError:
        known = " or ".join(f"--purpose {purpose.value}" for purpose in Purpose)
        raise SearchRefused(
            f"'{text}' is no purpose for which a search is allowed; every search is recorded with one: {known}"
        ) from None


def search(
    database: Database,
    repository: str,
    prints: Sequence[NamedPrint],
    *,
    purpose: Purpose,
    right: DeskRight,
    actor: str,
    make_gallery: Callable[[PrintSource], DeskGallery],
    colour: Callable[[float, int], str],
    limit: int,
    threads: int | None = None,
    watch: Watch | None = None,
) -> DeskResult:
    """Search one person's prints in one repository, whose prints are read from the database first.

    `colour` is given a candidate's evidence and the number of identities, as `search.colour` is. What is read
    stays in memory: a copy on the disk that nobody keeps current would keep people whose removal it has not heard
    of. `watch` is given what is read and how many prints there are, and gives it on. `actor` is who searches, as the
    audit names them. Raises SearchRefused for prints that no submission may hold, NotOpen and NotPermitted where there
    is no right to it, UnknownRepository, StoreError.
    """
    submission = _submission(prints, purpose, right)
    _refuse_repeated(prints)
    searchable = [(one.position, one.minutiae) for one in prints if len(one.minutiae) >= LEAST_MINUTIAE]
    if not searchable:
        raise SearchRefused(
            f"none of the prints has {LEAST_MINUTIAE} minutiae or more, so nothing can be searched: take them again"
        )
    _ask(database, repository, right, actor=actor, purpose=purpose, fingers=len(prints))
    store = Repositories(database)
    source = _read(store, repository, threads=threads, watch=watch)
    identities = next(one.identities for one in store.summaries() if one.name == repository)
    gallery = make_gallery(source)
    gallery.warm_up()
    # A name of its own claims the search for this process; should it die, a running matcher takes it up later.
    submissions = Submissions(database, instance=f"{DESK}-{os.getpid()}")
    payload = encode_message(submission)
    submissions.file(submission, payload, Arrival(ori=right.ori))
    number = _row_of(database, submission.tcn)
    with database.write() as session:
        decision = right.decide(session, number, repository, now=datetime.now(UTC))
        record(
            session,
            _ACTION,
            actor=actor,
            purpose=purpose,
            subject=submission.tcn,
            repository=repository,
            role=right.role,
            details={"ori": right.ori, "verdict": decision.verdict, "reason": decision.reason_code},
        )
    searched_at, began = datetime.now(UTC), time.monotonic()
    searching = decision.verdict is Verdict.SEARCH  # it was, when it was asked; there is an off switch
    best = gallery.search(searchable, limit=limit) if searching else []
    took_ms = (time.monotonic() - began) * 1000
    # What is green is no candidate: as in the reply to a booking, nobody's reference is made of it.
    candidates = tuple(
        DeskCandidate(
            secrets.token_urlsafe(12),
            one.key,
            float(one.score),
            its,
            tuple((finger.position, float(finger.score)) for finger in one.prints),
        )
        for one in best
        if (its := Colour(colour(one.score, identities))) is not Colour.GREEN
    )
    result = DeskResult(
        tcn=submission.tcn,
        repository=repository,
        purpose=purpose,
        colour=candidates[0].colour if candidates else Colour.GREEN,
        duration_ms=took_ms,
        gallery_prints=len(gallery),
        candidates=candidates,
    )
    waiting = WaitingSubmission(number, submission.tcn, DESK, searched_at, payload, 1)
    if not searching or not _still(database, number, repository, right):
        _finish(submissions, waiting, not_searched=(repository,))
        raise SearchRefused(
            f"{repository} was switched off for this meanwhile; what was found was thrown away. See:"
            f" matcher-service why {submission.tcn}"
        )
    shown = decision.answer is Answer.FIRST
    _record(submissions, waiting, result, searched_at=searched_at, shown=shown)
    return result if shown else replace(result, colour=None, candidates=(), to_follow=True)


def _ask(
    database: Database, repository: str, right: DeskRight, *, actor: str, purpose: Purpose, fingers: int
) -> None:
    """Nothing is read, and no print stored, for a search that is not allowed; the audit has that it was tried."""
    try:
        with database.read() as session:
            right.refuse(session, repository, fingers=fingers, now=datetime.now(UTC))
    except (NotOpen, NotPermitted) as error:
        why = error.decision.reason_code if isinstance(error, NotOpen) else "not permitted"
        note(database, _ACTION, actor=actor, purpose=purpose, outcome="refused", repository=repository,
             role=right.role, ori=right.ori, reason=str(why))  # fmt: skip
        raise


def _still(database: Database, number: int, repository: str, right: DeskRight) -> bool:
    now = datetime.now(UTC)
    with database.read() as session:
        if right.still(session, number, repository, now=now):
            return True
    with database.write() as session:
        withdraw(session, number, repository, now=now)
    return False


def _submission(prints: Sequence[NamedPrint], purpose: Purpose, right: DeskRight) -> Submission:
    try:
        return Submission(
            tcn=new_tcn(DESK, now_ms=time.time_ns() // 1_000_000),
            device=DESK,
            captured_at=CaptureTime(
                clock=datetime.now(UTC),
                synchronised=False,
                boot_id=_NO_BOOT,
                monotonic_ms=time.monotonic_ns() // 1_000_000,
            ),
            purpose=purpose,
            extractor=UNKNOWN_MODEL,
            prints=tuple(
                Print(
                    position=one.position,
                    finger_quality=one.print.finger_quality,
                    template=one.print.record,
                )
                for one in prints
            ),
            **cast("dict[str, Any]", right.said),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in first["loc"])
        raise SearchRefused(
            f"these files are not one person's fingers, each once ({where + ': ' if where else ''}{reason});"
            " name files with at most ten different fingers of one person"
        ) from None


def _refuse_repeated(prints: Sequence[NamedPrint]) -> None:
    for pair in same_finger_twice([one.minutiae for one in prints]):
        one, other = prints[pair.first], prints[pair.second]
        raise SearchRefused(
            f"{one.name} ({finger_name(one.position)}) and {other.name} ({finger_name(other.position)}) are of one and"
            " the same finger: leave out the one that is labelled wrongly, or take it again"
        )


def _read(store: Repositories, repository: str, *, threads: int | None, watch: Watch | None) -> PrintSource:
    total = store.count_prints(repository)
    source = MemoryStore(pack=pack_print, prints=total + 1)
    packing = Packing(pack=pack_print, threads=threads)

    def read() -> Iterator[int]:
        for page in store.print_pages(repository, READ_PRINTS):
            source.apply(added=packing.shelf(repository, page))
            yield from range(len(page))

    with contextlib.closing(packing):
        for _ in read() if watch is None else watch(read(), total):
            pass
    return source


def _row_of(database: Database, tcn: str) -> int:
    with database.read() as session:
        return session.scalars(select(StoredSubmission.id).where(StoredSubmission.tcn == tcn)).one()


def _record(
    submissions: Submissions,
    waiting: WaitingSubmission,
    result: DeskResult,
    *,
    searched_at: datetime,
    shown: bool,
) -> None:
    assert result.colour is not None
    searched = SearchOutcome(
        repository=result.repository,
        searched_at=searched_at,
        duration_ms=result.duration_ms,
        gallery_prints=result.gallery_prints,
        colour=result.colour,
        candidates=tuple(FoundCandidate(c.reference, c.identity, c.score) for c in result.candidates),
    )
    told = RepositoryReply(
        name=result.repository,
        colour=result.colour,
        candidates=tuple(c.reference for c in result.candidates),
    )
    _finish(
        submissions,
        waiting,
        searched,
        told=(told,) if shown else (),
        to_follow=() if shown else (result.repository,),
        timings_ms={f"search.{result.repository}": round(result.duration_ms, 3)} if shown else {},
    )


def _finish(
    submissions: Submissions,
    waiting: WaitingSubmission,
    *searched: SearchOutcome,
    told: tuple[RepositoryReply, ...] = (),
    to_follow: tuple[str, ...] = (),
    not_searched: tuple[str, ...] = (),
    timings_ms: dict[str, float] | None = None,
) -> None:
    reply = Reply(
        tcn=waiting.tcn,
        answered_at=datetime.now(UTC),
        repositories=told,
        to_follow=to_follow,
        not_searched=not_searched,
        timings_ms=timings_ms or {},
    )
    done = submissions.finish(
        waiting,
        encode_message(reply),
        searched,
        Outcome.ANSWERED,
        also=lambda session: searches_stored(session, waiting.id),
    )
    if not done:
        raise SearchRefused(
            f"{waiting.tcn}: another matcher took up this search because it took so long; try again"
        )
    submissions.mark_told(waiting.tcn)  # on this terminal
