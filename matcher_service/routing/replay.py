"""Why a submission was searched where it was: what was recorded, the same question by the rules of then, and of now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.image_tables import ImageOffer
from matcher_service.repositories.routing_tables import (
    Activation,
    ActivationVersion,
    DispositionReport,
    Jurisdiction,
    RoutingDecision,
    RoutingModeChange,
)
from matcher_service.repositories.schema import Repository, SearchRecord, StoredSubmission
from matcher_service.routing.acceptance import judge_both
from matcher_service.routing.deciding import decision_of
from matcher_service.routing.errors import UnknownSubmission
from matcher_service.routing.facts import read_facts
from matcher_service.routing.judging import Decision, Facts, ReasonCode, Verdict, decode_facts
from matcher_service.routing.rules import Mode
from matcher_service.routing.snapshot import as_of, clock

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class RuleView:
    """The version of the rule that decided, as it stands in the register."""

    jurisdiction: str
    name: str
    version: int
    from_at: datetime
    until_at: datetime | None
    signed_by: str
    document_sha256: str
    entered_by: str
    approved_by: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded decision, and the same question asked again by the rules as they were then."""

    recorded: Decision
    facts: Facts
    replayed: Decision
    rule: RuleView | None
    owned: bool = False  # the audit has an owner's search of it

    @property
    def agrees(self) -> bool:
        """Whether the replay comes to what was recorded.

        What was switched off meanwhile has to be shut in it too; what an owner searched has to be in the audit.
        """
        if self.recorded.reason_code is ReasonCode.OWNER:
            return self.owned
        if self.recorded.reason_code is ReasonCode.SWITCHED_OFF:
            return self.replayed.verdict is not Verdict.SEARCH
        return self.recorded.outcome == self.replayed.outcome


@dataclass(frozen=True, slots=True)
class WhyRepository:
    """One repository: how it was decided, oldest first, what would be decided now, and whether it was searched."""

    repository: str
    steps: tuple[Step, ...]
    now: Decision
    searched_at: datetime | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported of the charge later."""

    charge_class: str | None
    disposition: str | None
    reported_at: datetime
    reported_by: str


@dataclass(frozen=True, slots=True)
class ImagesOffered:
    """How many images its device offered, and to which repositories the rules let them be carried."""

    offered: int
    repositories: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """All of it."""

    tcn: str
    device: str
    received_at: datetime
    jurisdiction: str
    facts: Facts
    mode: Mode
    registry_version: int
    reports: tuple[Report, ...]
    repositories: tuple[WhyRepository, ...]
    images: ImagesOffered | None = None

    @property
    def agrees(self) -> bool:
        """Whether every replay comes to what was recorded."""
        return all(step.agrees for one in self.repositories for step in one.steps)


def why(session: Session, tcn: str, *, now: datetime) -> Why:
    """Replay what was decided for `tcn`. Changes nothing. Raises UnknownSubmission."""
    stored = session.execute(
        select(StoredSubmission.id, StoredSubmission.device, StoredSubmission.received_at).where(
            StoredSubmission.tcn == tcn
        )
    ).first()
    if stored is None:
        raise UnknownSubmission(tcn)
    number, device, received_at = stored
    facts = read_facts(session, number)
    version, mode = clock(session)
    return Why(
        tcn=tcn,
        device=device,
        received_at=received_at,
        jurisdiction=_place(session, facts.jurisdiction),
        facts=facts,
        mode=mode,
        registry_version=version,
        reports=_reports(session, tcn),
        repositories=tuple(
            _repository(session, number, facts, repository, name, now=now)
            for repository, name in session.execute(
                select(Repository.id, Repository.name).order_by(Repository.name)
            ).all()
        ),
        images=_images(session, number),
    )


def _images(session: Session, submission: int) -> ImagesOffered | None:
    row = session.get(ImageOffer, submission)
    return (
        None if row is None else ImagesOffered(row.offered, tuple(row.repositories.split()), row.decided_at)
    )


def _repository(
    session: Session, submission: int, facts: Facts, repository: int, name: str, *, now: datetime
) -> WhyRepository:
    rows = session.scalars(
        select(RoutingDecision)
        .where(RoutingDecision.submission_id == submission, RoutingDecision.repository_id == repository)
        .order_by(RoutingDecision.id)
    ).all()
    version, _ = clock(session)
    searched = session.execute(
        select(SearchRecord.searched_at, SearchRecord.failed)
        .where(SearchRecord.submission_id == submission, SearchRecord.repository_id == repository)
        .order_by(SearchRecord.id.desc())
        .limit(1)
    ).first()
    return WhyRepository(
        repository=name,
        steps=tuple(_step(session, row, name) for row in rows),
        now=_judged(session, facts, version, (repository, name), at=now),
        searched_at=None if searched is None else searched[0],
        failed=searched is not None and searched[1],
    )


def _step(session: Session, row: RoutingDecision, name: str) -> Step:
    facts = decode_facts(row.facts)
    return Step(
        recorded=decision_of(row, name, None),
        facts=facts,
        replayed=_judged(
            session, facts, row.registry_version, (row.repository_id, name), at=row.decided_at, then=True
        ),
        rule=_rule(session, row),
        owned=row.reason_code == ReasonCode.OWNER and _in_audit(session, row.submission_id, name),
    )


def _in_audit(session: Session, submission: int, repository: str) -> bool:
    tcn = select(StoredSubmission.tcn).where(StoredSubmission.id == submission).scalar_subquery()
    found = session.scalar(
        select(AuditEntry.seq)
        .where(
            AuditEntry.subject == tcn,
            AuditEntry.action == "repository.search",
            AuditEntry.repository == repository,
            AuditEntry.role != "",
        )
        .limit(1)
    )
    return found is not None


def _judged(
    session: Session,
    facts: Facts,
    version: int,
    where: tuple[int, str],
    *,
    at: datetime,
    then: bool = False,
) -> Decision:
    chain: list[int] = []
    place = facts.jurisdiction
    while place is not None and place not in chain:
        chain.append(place)
        place = session.scalar(select(Jurisdiction.parent_id).where(Jurisdiction.id == place))
    snapshot = as_of(session, version, _mode(session, version), jurisdictions=chain)
    return judge_both(session, facts, snapshot, where, at=at, as_of=at if then else None)


def _mode(session: Session, version: int) -> Mode:
    mode = session.scalar(
        select(RoutingModeChange.mode)
        .where(RoutingModeChange.registry_version <= version)
        .order_by(RoutingModeChange.registry_version.desc())
        .limit(1)
    )
    return Mode.RULES if mode is None else Mode(mode)


def _rule(session: Session, row: RoutingDecision) -> RuleView | None:
    found = session.execute(
        select(ActivationVersion, Jurisdiction.code, Jurisdiction.name)
        .join(Activation, Activation.id == ActivationVersion.activation_id)
        .join(Jurisdiction, Jurisdiction.id == Activation.jurisdiction_id)
        .where(
            ActivationVersion.activation_id == row.activation_id,
            ActivationVersion.version == row.activation_version,
        )
    ).first()
    if found is None:
        return None
    version, code, name = found
    return RuleView(
        code,
        name,
        version.version,
        version.from_at,
        version.until_at,
        version.signed_by,
        version.document_sha256,
        version.entered_by,
        version.approved_by,
        version.entered_at,
    )


def _reports(session: Session, tcn: str) -> tuple[Report, ...]:
    rows = session.scalars(
        select(DispositionReport)
        .where(DispositionReport.tcn == tcn)
        .order_by(DispositionReport.reported_at, DispositionReport.id)
    )
    return tuple(Report(row.charge_class, row.disposition, row.reported_at, row.reported_by) for row in rows)


def _place(session: Session, jurisdiction: int | None) -> str:
    found = session.execute(
        select(Jurisdiction.name, Jurisdiction.code).where(Jurisdiction.id == jurisdiction)
    ).first()
    return "" if found is None else f"{found[0]} ({found[1]})"
