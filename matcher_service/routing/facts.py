"""What the rules ask of a submission: written down when it is stored, completed by what is reported later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from interchange.charges import ChargeClass, Disposition, Transaction
from interchange.errors import MessageError
from interchange.messages import Submission, decode_message
from matcher_service.repositories.device_tables import RegisteredDevice
from matcher_service.repositories.routing_tables import Agency, DispositionReport, SubmissionFacts
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.sealed_records import payload_of
from matcher_service.routing.errors import UnknownSubmission
from matcher_service.routing.judging import AgencyState, Facts
from matcher_service.routing.parameters import PRIORITIES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a submission came: of which agency its device is, whether it was sealed, how long it was on its way."""

    ori: str = ""
    sealed: bool = False
    waited_s: float | None = None


def write_facts(session: Session, submission_id: int, submission: Submission, arrival: Arrival) -> None:
    """Note them, within the transaction that stores the submission."""
    session.add(_facts_row(session, submission_id, submission, arrival))


def agency_of(session: Session, ori: str) -> tuple[AgencyState, int | None]:
    """What the register knows of an agency, and its jurisdiction."""
    found = session.execute(select(Agency.active, Agency.jurisdiction_id).where(Agency.ori == ori)).first()
    if found is None:
        return AgencyState.UNKNOWN, None
    return (AgencyState.ACTIVE if found[0] else AgencyState.INACTIVE), found[1]


def read_facts(session: Session, submission_id: int, *, complete: bool = False) -> Facts:
    """As they are now: what the booking said, and over it what was reported since. Raises UnknownSubmission.

    With `complete`, what was not known when it came, and is now, is written down: in a session that may write.
    """
    f = SubmissionFacts
    known = session.execute(
        select(
            f.ori,
            f.transaction_type,
            f.charge_class,
            f.disposition,
            f.fingers,
            func.coalesce(f.jurisdiction_id, 0),
            func.coalesce(Agency.jurisdiction_id, 0),
            func.coalesce(Agency.active, False),
        )
        .outerjoin(Agency, Agency.ori == f.ori)
        .where(f.submission_id == submission_id)
    ).first()
    if known is not None:
        ori, transaction, charge, disposition, fingers, noted, place, active = known
        jurisdiction: int | None = place or None
        agency = AgencyState.ACTIVE if active else AgencyState.INACTIVE if place else AgencyState.UNKNOWN
    else:
        made = _of_an_old_one(session, submission_id)
        ori, transaction, charge = made.ori, made.transaction_type, made.charge_class
        disposition, fingers, noted = made.disposition, made.fingers, made.jurisdiction_id or 0
        agency, jurisdiction = agency_of(session, ori)
        if complete:
            session.add(made)
            session.flush()
    if complete and jurisdiction is not None and noted != jurisdiction:  # the agency was registered since
        session.execute(
            update(f).where(f.submission_id == submission_id).values(jurisdiction_id=jurisdiction)
        )
    reports = (
        select(DispositionReport.charge_class, DispositionReport.disposition)
        .join(StoredSubmission, StoredSubmission.tcn == DispositionReport.tcn)
        .where(StoredSubmission.id == submission_id)
        .order_by(DispositionReport.reported_at, DispositionReport.id)
    )
    for reported_charge, reported_disposition in session.execute(reports):
        charge = reported_charge or charge
        if disposition != Disposition.NOT_ACCUSED:  # whoever is under this protection stays under it
            disposition = reported_disposition or disposition
    return Facts(
        ori=ori,
        agency=agency,
        jurisdiction=jurisdiction,
        transaction=Transaction(transaction),
        charge_class=None if charge is None else ChargeClass(charge),
        disposition=None if disposition is None else Disposition(disposition),
        fingers=fingers,
    )


def _facts_row(
    session: Session, submission_id: int, submission: Submission | None, arrival: Arrival
) -> SubmissionFacts:
    """Without a `submission`, of one that this version cannot read."""
    _, jurisdiction = agency_of(session, arrival.ori)
    transaction = Transaction.CAR if submission is None else submission.transaction
    return SubmissionFacts(
        submission_id=submission_id,
        ori=arrival.ori,
        jurisdiction_id=jurisdiction,
        transaction_type=transaction,
        charge_class=None if submission is None else submission.charge_class,
        disposition=None if submission is None else submission.disposition,
        fingers=0 if submission is None else len(submission.prints),
        priority=PRIORITIES[transaction],
        waited_s=arrival.waited_s,
        sealed=arrival.sealed,
        pending=False,
    )


def _of_an_old_one(session: Session, submission_id: int) -> SubmissionFacts:
    """Stored before there were rules: what can be said of it now."""
    stored = session.get(StoredSubmission, submission_id)
    if stored is None:
        raise UnknownSubmission(f"number {submission_id}")
    device = session.get(RegisteredDevice, stored.device)
    try:
        submission = decode_message(Submission, payload_of(session, submission_id))
    except MessageError:
        submission = None
    return _facts_row(session, submission_id, submission, Arrival(ori="" if device is None else device.ori))
