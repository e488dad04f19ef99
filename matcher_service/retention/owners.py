"""What the owner of a repository decides for it: whose submissions it accepts, and where red and yellow begin.

A search across needs both sides: the activation of the jurisdiction that submits, and the acceptance of the owner. As
long as an owner has entered no rule, the activation, to which an owner has agreed, is the only one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from interchange.charges import Transaction
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRole, AccountRow
from matcher_service.repositories.retention_tables import RepositoryRule, RepositoryThreshold
from matcher_service.repositories.routing_tables import Jurisdiction
from matcher_service.repositories.schema import Repository
from matcher_service.retention import parameters
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.policies import checked_words, repository_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the owner says of a submission, and in words by which rule."""

    accepted: bool
    words: str


def accepts(
    session: Session,
    repository_id: int,
    *,
    jurisdictions: Sequence[int],
    transaction: str,
    as_of: datetime | None = None,
) -> Acceptance:
    """Whether the owner takes submissions from these places, the nearest first, of this kind.

    The rule for the nearest place counts, then the one for all; where there are rules but none for it, it is refused.
    With `as_of` by the rules as they were then.
    """
    rules: dict[int | None, RepositoryRule] = {}
    for row in session.scalars(
        select(RepositoryRule)
        .where(RepositoryRule.repository_id == repository_id)
        .order_by(RepositoryRule.version)
    ):
        if as_of is None or row.entered_at <= as_of:
            rules[row.jurisdiction_id] = row
    if not rules:
        return Acceptance(accepted=True, words="Its owner has entered no rule of acceptance.")
    rule = next((rules[place] for place in [*jurisdictions, None] if place in rules), None)
    if rule is None:
        return Acceptance(accepted=False, words="Its owner accepts submissions of other jurisdictions only.")
    which = f"rule of acceptance v{rule.version}, by {rule.entered_by}"
    if not rule.accepts:
        return Acceptance(accepted=False, words=f"Its owner does not accept it: {which}.")
    if rule.transactions and transaction not in rule.transactions.split():
        return Acceptance(
            accepted=False, words=f"Its owner accepts {rule.transactions} only, not {transaction}: {which}."
        )
    return Acceptance(accepted=True, words=f"Its owner accepts it: {which}.")


def set_acceptance(
    session: Session,
    repository: str,
    jurisdiction: str,
    *,
    accept: bool,
    transactions: Iterable[str] = (),
    reason: str,
    by: str,
    role: str = "",
    now: datetime | None = None,
) -> int:
    """Enter a rule for a jurisdiction's code, or "" for all; its version. The caller has asked `accounts.require`.

    Raises RetentionRefused, UnknownRepository.
    """
    where = repository_row(session, repository)
    place = None
    if jurisdiction:
        place = session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == jurisdiction))
        if place is None:
            raise RetentionRefused(
                jurisdiction[:32], "is not in the register; see: matcher-service jurisdictions"
            )
    kinds = sorted(set(transactions))
    for kind in kinds:
        if kind not in set(Transaction):
            raise RetentionRefused(kind[:16], f"is no transaction; those are {', '.join(Transaction)}")
    words = checked_words(reason, "reason: say why")
    version = (
        session.scalar(
            select(func.max(RepositoryRule.version)).where(RepositoryRule.repository_id == where.id)
        )
        or 0
    ) + 1
    session.add(
        RepositoryRule(
            repository_id=where.id,
            jurisdiction_id=place,
            accepts=accept,
            transactions=" ".join(kinds),
            version=version,
            reason=words,
            entered_by=by[:80],
            entered_at=now or datetime.now(UTC),
        )
    )
    session.flush()
    record(
        session,
        "repository.accept",
        actor=by,
        role=role,
        purpose=words,
        repository=repository,
        jurisdiction=jurisdiction,
        details={"accepts": accept, "transactions": " ".join(kinds), "version": version},
    )
    return version


def acceptances(session: Session, repository: str) -> list[tuple[RepositoryRule, str]]:
    """All rules of a repository with the code of the jurisdiction ("" for all), the newest first."""
    where = repository_row(session, repository)
    query = (
        select(RepositoryRule, Jurisdiction.code)
        .outerjoin(Jurisdiction, Jurisdiction.id == RepositoryRule.jurisdiction_id)
        .where(RepositoryRule.repository_id == where.id)
        .order_by(RepositoryRule.version.desc())
    )
    return [(row, code or "") for row, code in session.execute(query)]


def users_of(session: Session, repository: str) -> list[tuple[str, str]]:
    """Names and roles of the accounts that have a role in this repository only."""
    where = repository_row(session, repository)
    query = (
        select(AccountRow.name, AccountRole.role)
        .join(AccountRow, AccountRow.id == AccountRole.account_id)
        .where(AccountRole.repository_id == where.id, AccountRow.state == "active")
        .order_by(AccountRow.name, AccountRole.role)
    )
    return [(name, role) for name, role in session.execute(query)]


# -- thresholds


def set_thresholds(
    session: Session,
    repository: str,
    *,
    red_fpir: float | None,
    yellow_fpir: float | None,
    reason: str,
    by: str,
    role: str = "",
    now: datetime | None = None,
) -> None:
    """How often a stranger may end red, or yellow, in this repository; None: as the settings say.

    Raises RetentionRefused, UnknownRepository. The caller has asked `accounts.require`.
    """
    where = repository_row(session, repository)
    for name, value in (("red_fpir", red_fpir), ("yellow_fpir", yellow_fpir)):
        if value is not None and not 1e-9 <= value <= 0.5:
            raise RetentionRefused(name, "has to be 1e-9 to 0.5; see docs/calibration.md")
    if red_fpir is not None and yellow_fpir is not None and red_fpir > yellow_fpir:
        raise RetentionRefused("red_fpir", "must not be more than yellow_fpir; red is the rarer answer")
    words = checked_words(reason, "reason: say why")
    session.add(
        RepositoryThreshold(
            repository_id=where.id,
            red_fpir=red_fpir,
            yellow_fpir=yellow_fpir,
            reason=words,
            entered_by=by[:80],
            entered_at=now or datetime.now(UTC),
        )
    )
    session.flush()
    record(session, "repository.thresholds", actor=by, role=role, purpose=words, repository=repository,
           details={"red_fpir": red_fpir, "yellow_fpir": yellow_fpir})  # fmt: skip


def threshold_history(session: Session, repository: str) -> list[RepositoryThreshold]:
    """All that were ever entered, the newest first: that one counts."""
    where = repository_row(session, repository)
    query = select(RepositoryThreshold).where(RepositoryThreshold.repository_id == where.id)
    return list(session.scalars(query.order_by(RepositoryThreshold.id.desc())))


def thresholds(database: Database) -> dict[str, tuple[float | None, float | None]]:
    """Red and yellow FPIR in force of each repository that has some of its own."""
    query = (
        select(Repository.name, RepositoryThreshold.red_fpir, RepositoryThreshold.yellow_fpir)
        .join(Repository, Repository.id == RepositoryThreshold.repository_id)
        .order_by(RepositoryThreshold.id)
    )
    with database.read() as session:
        return {name: (red, yellow) for name, red, yellow in session.execute(query)}


class Colours:
    """The colour of a candidate in a repository, by its owner's thresholds, or by those of the settings.

    What owners enter counts within seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        red_fpir: float,
        yellow_fpir: float,
        make: Callable[[float, float], Callable[[float, int], str]],
    ) -> None:
        """`make` makes a function of evidence and number of identities from the two: `search.decision.colours`."""
        self._database = database
        self._red, self._yellow = red_fpir, yellow_fpir
        self._make = make
        self._known: dict[str, tuple[float | None, float | None]] = {}
        self._default = make(red_fpir, yellow_fpir)
        self._made: dict[tuple[float, float], Callable[[float, int], str]] = {}
        self._read_at: float | None = None

    def of(self, repository: str) -> Callable[[float, int], str]:
        """For the candidates of one repository. Raises StoreError."""
        if self._read_at is None or time.monotonic() - self._read_at > parameters.FOLLOW_S:
            self._known = thresholds(self._database)
            self._read_at = time.monotonic()
        own = self._known.get(repository)
        if own is None:
            return self._default
        yellow = self._yellow if own[1] is None else own[1]
        red = min(self._red if own[0] is None else own[0], yellow)
        if (red, yellow) not in self._made:
            self._made[red, yellow] = self._make(red, yellow)
        return self._made[red, yellow]
