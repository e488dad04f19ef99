"""What a kiosk is told of a repository after review and evaluation, and how it is taken back.

It says whether examiners confirmed a match, and nothing else: no status, no level, no outcome of an evaluation, no
record. It is made once for a submission and repository, and only where the rule in force gave the answer in second
place; a later one takes the place of an earlier.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from interchange.messages import Colour, Reply, RepositoryReply, encode_message
from matcher_service.auditing import record
from matcher_service.errors import UnknownRepository
from matcher_service.repositories.case_tables import CaseFile, Evaluation, SecondResponse
from matcher_service.repositories.notice_tables import Identification, Notification, Retraction
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.routing_tables import RoutingDecision
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord, StoredSubmission
from matcher_service.routing import still_allowed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ACTOR = "system:cases"


class Finding(StrEnum):
    """What a second response says; as in the database."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNDECIDED = "undecided"
    ENDED = "ended"
    TAKEN_BACK = "taken_back"


_CAVEAT = "This is no finding of anybody's status or guilt, and no ground to hold anyone."
WORDS = {
    Finding.MATCH: f"Examiners confirmed that the prints match a record of this repository. {_CAVEAT}",
    Finding.NO_MATCH: f"No match with a record of this repository was confirmed. {_CAVEAT}",
    Finding.UNDECIDED: f"Examiners could not decide whether the prints match a record. {_CAVEAT}",
    Finding.ENDED: f"Nothing more follows of this repository. {_CAVEAT}",
    Finding.TAKEN_BACK: "Taken back: what was said of this repository does not stand any more. Treat it as never"
    f" said. {_CAVEAT}",
}
_COLOURS = {
    Finding.MATCH: Colour.RED,
    Finding.NO_MATCH: Colour.GREEN,
    Finding.UNDECIDED: Colour.YELLOW,
}
# These disclose something of a repository: asked for again before they leave.
DISCLOSES = frozenset(_COLOURS)
OPEN_TASKS = frozenset({"open", "second", "third"})
_WRONG = frozenset({"wrong_hit", "challenge"})


def second_response(
    session: Session, submission_id: int, repository: str, *, now: datetime | None = None
) -> int | None:
    """Store what the kiosk is to be told, once it can be said; again: the same. None if there is nothing to say yet.

    To be called whenever a review or an evaluation has ended; `SecondResponses` also looks by itself. Raises
    UnknownRepository.
    """
    session.flush()
    repository_id = session.scalar(select(Repository.id).where(Repository.name == repository))
    if repository_id is None:
        raise UnknownRepository(repository, list(session.scalars(select(Repository.name))))
    known = _standing(session, submission_id, repository_id)
    if known is not None:
        return known.id
    at = now or datetime.now(UTC)
    finding = what_to_say(session, submission_id, repository_id, repository, now=at)
    return None if finding is None else store(session, submission_id, repository_id, finding, now=at)


def what_to_say(
    session: Session, submission_id: int, repository_id: int, repository: str, *, now: datetime
) -> Finding | None:
    """What the kiosk can be told by now; None if nothing. Only reads."""
    promised = session.scalar(
        select(RoutingDecision.id)
        .where(
            RoutingDecision.submission_id == submission_id,
            RoutingDecision.repository_id == repository_id,
            RoutingDecision.answer == "second",
        )
        .limit(1)
    )
    if promised is None:
        return None
    if not still_allowed(session, submission_id, repository, now=now):
        return Finding.ENDED
    return _finding(session, submission_id, repository_id)


def take_back(session: Session, identification: Identification, *, now: datetime) -> int:
    """Tell the kiosk that a match it was told of, or may have been, does not stand. How many responses that took."""
    standing = _standing(session, identification.submission_id, identification.repository_id)
    if standing is None or standing.kind != Finding.MATCH:
        return 0
    others = session.scalar(
        select(Identification.id).where(
            Identification.submission_id == identification.submission_id,
            Identification.repository_id == identification.repository_id,
            Identification.id != identification.id,
            Identification.state == "confirmed",
        )
    )
    if others is not None:  # another search of the same prints found the same: what was said stands
        return 0
    store(
        session, identification.submission_id, identification.repository_id, Finding.TAKEN_BACK,
        now=max(now, standing.made_at + timedelta(milliseconds=1)),
    )  # fmt: skip
    return 1


def store(
    session: Session, submission_id: int, repository_id: int, finding: Finding, *, now: datetime
) -> int:
    """Write a response down in the place of those before it."""
    submission = session.get_one(StoredSubmission, submission_id)
    repository = session.get_one(Repository, repository_id)
    session.execute(
        update(SecondResponse)
        .where(
            SecondResponse.submission_id == submission_id,
            SecondResponse.repository_id == repository_id,
            SecondResponse.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    made = SecondResponse(
        submission_id=submission_id,
        repository_id=repository_id,
        kind=finding,
        payload=encode_message(reply_of(submission.tcn, repository.name, finding, at=now)),
        made_at=now,
    )
    session.add(made)
    session.flush()
    record(
        session, "response.second", actor=_ACTOR, purpose="the kiosk is told", subject=submission.tcn,
        repository=repository.name, details={"finding": str(finding), "response": made.id},
    )  # fmt: skip
    return made.id


def reply_of(tcn: str, repository: str, finding: Finding, *, at: datetime) -> Reply:
    """The message."""
    colour = _COLOURS.get(finding)
    return Reply(
        tcn=tcn,
        stage="second",
        answered_at=at,
        repositories=() if colour is None else (RepositoryReply(name=repository, colour=colour),),
        timings_ms={},
        not_searched=(repository,) if finding is Finding.ENDED else (),
        taken_back=(repository,) if finding is Finding.TAKEN_BACK else (),
        words=WORDS[finding],
    )


def _standing(session: Session, submission_id: int, repository_id: int) -> SecondResponse | None:
    return session.scalar(
        select(SecondResponse)
        .where(
            SecondResponse.submission_id == submission_id,
            SecondResponse.repository_id == repository_id,
            SecondResponse.withdrawn_at.is_(None),
        )
        .order_by(SecondResponse.id.desc())
        .limit(1)
    )


def _finding(session: Session, submission_id: int, repository_id: int) -> Finding | None:
    """What came of it; None while somebody is still to decide."""
    tasks = list(
        session.execute(
            select(ReviewTask.id, ReviewTask.state)
            .where(ReviewTask.submission_id == submission_id, ReviewTask.repository_id == repository_id)
            .order_by(ReviewTask.id)
        )
    )
    states = [state for _, state in tasks]
    if OPEN_TASKS & set(states):
        return None
    identifications = list(
        session.scalars(
            select(Identification).where(
                Identification.submission_id == submission_id, Identification.repository_id == repository_id
            )
        )
    )
    if identifications:
        return _of_identifications(session, identifications)
    if not states:
        return _unreviewed(session, submission_id, repository_id)
    if states[-1] == "identified":  # notification is about to make an identification of it
        return None
    last = {"excluded": Finding.NO_MATCH, "inconclusive": Finding.UNDECIDED}
    return last.get(states[-1], Finding.ENDED)


def _of_identifications(session: Session, found: list[Identification]) -> Finding | None:
    standing = [one for one in found if one.state != "retracted"]
    if not standing:
        causes = session.scalars(
            select(Retraction.cause).where(Retraction.identification_id.in_([one.id for one in found]))
        )
        return Finding.NO_MATCH if set(causes) <= _WRONG else Finding.ENDED
    if any(one.state == "frozen" for one in standing):
        return None
    ids = [one.id for one in standing]
    evaluated = session.scalar(
        select(Evaluation.id)
        .join(CaseFile, CaseFile.id == Evaluation.case_id)
        .where(CaseFile.identification_id.in_(ids), CaseFile.state == "closed")
        .limit(1)
    )
    if evaluated is not None:
        return Finding.MATCH
    if session.scalar(select(CaseFile.id).where(CaseFile.identification_id.in_(ids)).limit(1)) is not None:
        return None  # on somebody's desk
    told = set(session.scalars(select(Notification.state).where(Notification.identification_id.in_(ids))))
    if not told:
        return Finding.MATCH  # nobody subscribed: there is no evaluation to wait for
    # Where the rules let nobody be told, the kiosk is not told either.
    return Finding.ENDED if told == {"cancelled"} else None


def _unreviewed(session: Session, submission_id: int, repository_id: int) -> Finding | None:
    """Where nothing was found there is nothing to review."""
    searches = list(
        session.execute(
            select(SearchRecord.id, SearchRecord.failed).where(
                SearchRecord.submission_id == submission_id, SearchRecord.repository_id == repository_id
            )
        )
    )
    if not searches or any(failed for _, failed in searches):
        return None
    candidate = session.scalar(
        select(CandidateRecord.id).where(CandidateRecord.search_id.in_([one for one, _ in searches])).limit(1)
    )
    return Finding.NO_MATCH if candidate is None else None
