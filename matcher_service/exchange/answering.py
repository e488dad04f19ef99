"""What an agency is answered in a file, out of the store: the rapid reply, or the result after the examiners.

Only what a rapid reply may say is said: repositories whose rule answers at once, and only while that rule still holds.
Red and yellow are candidates; "identified" is said of none that an examiner has not confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.messages import Colour, Reply, decode_message
from matcher_service import routing
from matcher_service.auditing import record
from matcher_service.exchange import writing
from matcher_service.exchange.errors import NotAnswerable, Problem
from matcher_service.exchange.writing import Address, short_tcn
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import Repository, SearchRecord, StoredSubmission
from matcher_service.repositories.sealed_records import Part, open_part
from matcher_service.repositories.submissions import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from matcher_service.exchange.transaction import Sender
    from matcher_service.repositories import Database

_WORST = (Colour.RED, Colour.YELLOW, Colour.GREEN)
_UNDECIDED = ("open", "second", "third", "inconclusive")


class ReplyKind(StrEnum):
    """Which reply is written."""

    SRE = "SRE"
    RPISR = "RPISR"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as a file. `kind` is ERRT where no repository may answer."""

    kind: str
    content: bytes


def answer(
    database: Database,
    tcn: str,
    *,
    kind: ReplyKind,
    ori: str,
    asked: Sender | None,
    actor: str,
    now: datetime | None = None,
) -> Answer:
    """The reply to a submission; recorded in the audit before it is given out.

    Args:
        database: the centre's.
        tcn: our number of the submission.
        kind: SRE after the examiners, RPISR at once.
        ori: the centre's own agency, 1.008 of the reply.
        asked: the Type-1 record of the file that is answered; None if it came from a kiosk.
        actor: for the audit.
        now: the time, if not the clock's.

    Raises:
        NotAnswerable: there is no such submission, or it is too early.
    """
    at = now or datetime.now(UTC)
    with database.write() as session:
        row = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn))
        if row is None:
            raise NotAnswerable(tcn, "was never submitted here; submit the file first")
        if row.outcome == Outcome.ERASED:
            raise NotAnswerable(tcn, "was erased, because its time was up or by a request")
        if row.reply is None:
            raise NotAnswerable(tcn, "is not searched yet; see that the matcher runs, and ask again")
        stored = decode_message(Reply, open_part(session, row.id, row.tcn, Part.REPLY, row.reply))
        agency = asked.ori if asked is not None else routing.read_facts(session, row.id).ori
        allowed = [
            one for one in stored.repositories if routing.still_allowed(session, row.id, one.name, now=at)
        ]
        address = Address(
            to=agency or ori,
            ori=ori,
            tcn=_number(tcn, kind, at),
            at=at,
            tcr=asked.tcn if asked is not None else short_tcn(tcn),
        )
        if not allowed and stored.to_follow:
            raise NotAnswerable(
                tcn,
                "is answered only after review and evaluation, by the second response; no file is written before",
            )
        if not allowed:
            nothing = "NO REPOSITORY MAY ANSWER THIS SUBMISSION BY THE RULES: NOTHING IS SAID."
            made = Answer("ERRT", writing.error(address, [Problem(0, 0, "", nothing)]))
        elif kind is ReplyKind.RPISR:
            colours = {one.colour for one in allowed}
            made = Answer(kind, writing.rapid_reply(address, _worst(colours), _notes(stored)))
        else:
            names = {one.name for one in allowed}
            identified = _identified(session, row.id, tcn, names)
            made = Answer(kind, writing.results(address, identified=identified, notes=_notes(stored)))
        record(
            session,
            "submission.answered",
            actor=actor,
            purpose="reply",
            subject=tcn,
            details={"kind": made.kind, "bytes": len(made.content)},
        )
        return made


def _identified(session: Session, submission_id: int, tcn: str, names: Collection[str]) -> bool:
    """Whether an examiner confirmed somebody. Raises NotAnswerable while one is still to decide."""
    tasks = session.execute(
        select(Repository.name, ReviewTask.state)
        .join(Repository, Repository.id == ReviewTask.repository_id)
        .where(ReviewTask.submission_id == submission_id, Repository.name.in_(names))
    ).all()
    searches = session.execute(
        select(Repository.name, SearchRecord.colour, SearchRecord.failed)
        .join(Repository, Repository.id == SearchRecord.repository_id)
        .where(SearchRecord.submission_id == submission_id, Repository.name.in_(names))
    ).all()
    if any(failed for _, _, failed in searches) or {name for name, _, _ in searches} != set(names):
        raise NotAnswerable(
            tcn, "a search failed and is not made up for yet: nothing can be said; ask again later"
        )
    looked_at = {name for name, _ in tasks}
    unseen = any(colour != Colour.GREEN and name not in looked_at for name, colour, _ in searches)
    if unseen or any(state in _UNDECIDED for _, state in tasks):
        raise NotAnswerable(
            tcn,
            "examiners have not decided yet, or could not: no SRE is written; an RPISR can be (--kind RPISR)",
        )
    states = session.scalars(
        select(Identification.state)
        .join(Repository, Repository.id == Identification.repository_id)
        .where(Identification.submission_id == submission_id, Repository.name.in_(names))
    ).all()
    if "frozen" in states:
        raise NotAnswerable(tcn, "a challenge is open, and nothing leaves until it is decided")
    return "confirmed" in states


def _notes(stored: Reply) -> list[str]:
    notes = [f"NOT SEARCHED: {name}" for name in stored.not_searched]
    notes += [f"SEARCH FAILED, ASK AGAIN: {one.name}" for one in stored.repositories if one.failed]
    return notes + [problem.advice for problem in stored.capture_problems]


def _worst(colours: Collection[Colour]) -> Colour:
    return next(colour for colour in _WORST if colour in colours)


def _number(tcn: str, kind: str, at: datetime) -> str:
    """A control number for the reply: its own, and never the same for another."""
    return "R" + sha256(f"{tcn} {kind} {at.isoformat()}".encode()).hexdigest()[:31].upper()
