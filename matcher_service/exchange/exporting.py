"""What the centre holds as an EBTS file: a submission that came, or somebody who is enrolled. Minutiae, no names."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.messages import Submission, decode_message
from matcher_service import routing
from matcher_service.accounts.exports import allow_export
from matcher_service.auditing import record
from matcher_service.errors import UnknownIdentity
from matcher_service.exchange import writing
from matcher_service.exchange.errors import NotAnswerable
from matcher_service.exchange.writing import Address, PrintOut, short_tcn
from matcher_service.intake import read_prints
from matcher_service.repositories import Repositories
from matcher_service.repositories.prints import read_single
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.sealed_records import payload_of

if TYPE_CHECKING:
    from matcher_service.repositories import Database


def submission(
    database: Database, tcn: str, *, kind: str, to: str, ori: str, actor: str, now: datetime | None = None
) -> bytes:
    """A stored submission as a CAR, CNA or RPIS file, recorded in the audit. Raises NotAnswerable, TemplateError."""
    at = now or datetime.now(UTC)
    with database.write() as session:
        row = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn))
        if row is None:
            raise NotAnswerable(tcn, "was never submitted here")
        payload = payload_of(session, row.id)
        if not payload:
            raise NotAnswerable(tcn, "was erased, because its time was up")
        found = decode_message(Submission, payload)
        facts = routing.read_facts(session, row.id)
        record(
            session,
            "submission.exported",
            actor=actor,
            purpose=f"EBTS {kind}",
            subject=tcn,
            details={"to": to, "prints": len(found.prints)},
        )
    prints = [PrintOut(position=position, minutiae=minutiae) for position, minutiae in read_prints(found)]
    return writing.submission(
        kind,
        Address(to=to, ori=facts.ori or ori, tcn=short_tcn(tcn), at=at),
        prints,
        charge_class=facts.charge_class,
        disposition=facts.disposition,
        left_out=found.left_out,
    )


def identity(
    database: Database,
    repository: str,
    person: str,
    *,
    request: int | None,
    kind: str,
    to: str,
    ori: str,
    actor: str,
    now: datetime | None = None,
) -> bytes:
    """Somebody who is enrolled, each finger once and in its best print; takes two people, as every export does.

    Raises UnknownRepository, UnknownIdentity, TwoPersonError, TemplateError.
    """
    stored = Repositories(database).prints(repository, [person])
    if not stored:
        raise UnknownIdentity(person, repository)
    allow_export(database, repository, identity=person, request=request, actor=actor)
    best: dict[int, PrintOut] = {}
    for one in stored:
        position, minutiae = read_single(one.record)
        known = best.get(position)
        if known is None or minutiae.finger_quality > known.minutiae.finger_quality:
            best[position] = PrintOut(position=position, minutiae=minutiae)
    address = Address(to=to, ori=ori, tcn=secrets.token_hex(16).upper(), at=now or datetime.now(UTC))
    return writing.submission(kind, address, [best[position] for position in sorted(best)])
