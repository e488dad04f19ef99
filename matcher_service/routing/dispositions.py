"""What becomes of a charge after the booking: what was parked or put off is decided anew, and those told are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.auditing import record
from matcher_service.repositories.routing_tables import DispositionReport
from matcher_service.repositories.schema import SearchRecord, StoredSubmission
from matcher_service.routing.deciding import decide_again, latest, set_pending
from matcher_service.routing.errors import UnknownSubmission
from matcher_service.routing.followers import dispositions_changed
from matcher_service.routing.judging import Decision, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from interchange.charges import ChargeClass, Disposition


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report came to.

    Attributes:
        decisions: those that were taken anew; empty where nothing waited for it.
        to_search: whether a repository is open to it now that was not before.
    """

    tcn: str
    decisions: tuple[Decision, ...]
    to_search: bool


def report_disposition(
    session: Session,
    tcn: str,
    *,
    charge_class: ChargeClass | None = None,
    disposition: Disposition | None = None,
    reported_at: datetime,
    by: str,
    source: str,
    now: datetime,
) -> Reported:
    """Note a report, and act on it, in a transaction of `Database.write()`. Raises UnknownSubmission.

    `by` is an actor as the audit knows them, `source` where it came from: "kiosk", "desk", "court", ... A report of
    the future is one of a wrong clock, and counts as of now.
    """
    number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == tcn))
    if number is None:
        raise UnknownSubmission(tcn)
    session.add(
        DispositionReport(
            tcn=tcn,
            charge_class=charge_class,
            disposition=disposition,
            reported_at=min(reported_at, now),
            reported_by=by[:64],
            source=source[:32],
        )
    )
    session.flush()
    waiting = {
        one.repository for one in latest(session, number) if one.verdict in {Verdict.PARK, Verdict.DEFER}
    }
    decisions = decide_again(session, number, waiting, now=now) if waiting else []
    to_search = any(one.verdict is Verdict.SEARCH for one in decisions)
    if to_search:
        set_pending(session, number, pending=True)
    dispositions_changed(session, tcn)
    record(
        session,
        "disposition.report",
        actor=by,
        purpose="the charge of a booking",
        subject=tcn,
        details={
            "charge_class": None if charge_class is None else str(charge_class),
            "disposition": None if disposition is None else str(disposition),
            "source": source,
            "decided_anew": len(decisions),
        },
    )
    return Reported(tcn, tuple(decisions), to_search)


def to_be_searched(session: Session, submission_id: int, decisions: list[Decision]) -> list[Decision]:
    """Of these decisions those by which a repository is to be searched that was not yet."""
    done = set(
        session.scalars(
            select(SearchRecord.repository_id).where(
                SearchRecord.submission_id == submission_id, SearchRecord.failed.is_(False)
            )
        )
    )
    return [one for one in decisions if one.verdict is Verdict.SEARCH and one.repository_id not in done]
