"""What stands in the register, for whoever looks: as it is now, as it came about, and to be taken elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import aliased

from matcher_service.repositories.routing_tables import Activation, ActivationVersion, Agency, Jurisdiction
from matcher_service.repositories.schema import Repository
from matcher_service.routing.conditions import Conditions, decode_conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.errors import NotInRegister
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.rules import RuleState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One version of an activation, with who entered it and who agreed."""

    jurisdiction: str
    name: str
    repository: str
    version: int
    state: RuleState
    from_at: datetime
    until_at: datetime | None
    conditions: Conditions
    signed_by: str
    document_sha256: str
    entered_by: str
    approved_by: str
    entered_at: datetime
    reason: str
    registry_version: int

    def now(self, at: datetime) -> str:
        """In a word: "active", "planned", "over", "suspended" or "ended"."""
        if self.state is not RuleState.ACTIVE:
            return str(self.state)
        if self.from_at > at:
            return "planned"
        return "over" if self.until_at is not None and self.until_at <= at else "active"


def history(
    session: Session, *, jurisdiction: str | None = None, repository: str | None = None
) -> list[VersionView]:
    """All versions, by jurisdiction, repository and number. Raises NotInRegister for a jurisdiction not there."""
    if (
        jurisdiction is not None
        and session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == jurisdiction)) is None
    ):
        raise NotInRegister("jurisdiction", jurisdiction, "see: matcher-service jurisdictions list --all")
    query = (
        select(ActivationVersion, Jurisdiction.code, Jurisdiction.name, Repository.name)
        .join(Activation, Activation.id == ActivationVersion.activation_id)
        .join(Jurisdiction, Jurisdiction.id == Activation.jurisdiction_id)
        .join(Repository, Repository.id == Activation.repository_id)
        .order_by(Jurisdiction.code, Repository.name, ActivationVersion.version)
    )
    if jurisdiction is not None:
        query = query.where(Jurisdiction.code == jurisdiction)
    if repository is not None:
        query = query.where(Repository.name == repository)
    return [
        VersionView(
            jurisdiction=code,
            name=name,
            repository=where,
            version=row.version,
            state=RuleState(row.state),
            from_at=row.from_at,
            until_at=row.until_at,
            conditions=decode_conditions(row.conditions),
            signed_by=row.signed_by,
            document_sha256=row.document_sha256,
            entered_by=row.entered_by,
            approved_by=row.approved_by,
            entered_at=row.entered_at,
            reason=row.reason,
            registry_version=row.registry_version,
        )
        for row, code, name, where in session.execute(query)
    ]


def in_force(versions: Sequence[VersionView]) -> list[VersionView]:
    """Of each activation what holds now or will: the newest, and before it what it has not taken over from yet.

    An older one ends where the newer begins. What is suspended or ended has nothing before it.
    """
    by_activation: dict[tuple[str, str], list[VersionView]] = {}
    for one in versions:
        by_activation.setdefault((one.jurisdiction, one.repository), []).append(one)
    found: list[VersionView] = []
    for its in by_activation.values():
        kept = [its[-1]]
        for older in reversed(its[:-1]):
            newer = kept[0]
            if newer.state is not RuleState.ACTIVE or older.state is not RuleState.ACTIVE:
                break
            if older.from_at < newer.from_at:
                kept.insert(0, older)
        found += [_clipped(one, after) for one, after in zip(kept, [*kept[1:], None], strict=True)]
    return found


def places(session: Session) -> list[JurisdictionEntry]:
    """All jurisdictions, states before their counties."""
    above = aliased(Jurisdiction)
    query = (
        select(Jurisdiction.code, Jurisdiction.kind, Jurisdiction.fips, Jurisdiction.name, above.code)
        .outerjoin(above, above.id == Jurisdiction.parent_id)
        .order_by(Jurisdiction.code)
    )
    return [
        JurisdictionEntry(code=code, kind=kind, fips=fips, name=name, parent=parent or "")
        for code, kind, fips, name, parent in session.execute(query)
    ]


def agencies(session: Session) -> list[AgencyEntry]:
    """All agencies, by ORI."""
    query = (
        select(Agency.ori, Agency.name, Jurisdiction.code, Agency.active)
        .join(Jurisdiction, Jurisdiction.id == Agency.jurisdiction_id)
        .order_by(Agency.ori)
    )
    return [
        AgencyEntry(ori=ori, name=name, jurisdiction=code, active=active)
        for ori, name, code, active in session.execute(query)
    ]


def content(session: Session) -> RegisterContent:
    """The register as it is taken elsewhere: what holds now or will, not how it came about."""
    return RegisterContent(
        jurisdictions=tuple(places(session)),
        agencies=tuple(agencies(session)),
        activations=tuple(
            ActivationEntry(
                jurisdiction=one.jurisdiction,
                repository=one.repository,
                state=one.state,
                from_at=one.from_at,
                until_at=one.until_at,
                conditions=one.conditions,
                signed_by=one.signed_by,
                document_sha256=one.document_sha256,
                reason=one.reason,
            )
            for one in in_force(history(session))
        ),
    )


def _clipped(one: VersionView, after: VersionView | None) -> VersionView:
    if after is None or (one.until_at is not None and one.until_at <= after.from_at):
        return one
    from dataclasses import replace

    return replace(one, until_at=after.from_at)
