"""By what right somebody searches from the desk: an agency's, as the register has it, or the repository owner's.

For an agency a search is decided exactly as a booking of that agency would be: default deny. The owner of a repository,
signed in, may look into it by role, and for nobody else. Either is recorded, so that `matcher-service why` explains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interchange.charges import ChargeClass, Disposition, Transaction
from matcher_service.accounts import Action, require
from matcher_service.errors import MatcherError
from matcher_service.retention.policies import repository_row
from matcher_service.routing.acceptance import judge_both
from matcher_service.routing.deciding import by_owner, decide_again, still_allowed
from matcher_service.routing.facts import agency_of
from matcher_service.routing.judging import Decision, Facts, ReasonCode, Verdict
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account

_LOOK = "what is open to whom: matcher-service jurisdictions list"
_NEXT = {
    ReasonCode.UNKNOWN_AGENCY: (
        "name the agency that the search is for with --ori, as the register has it, or sign in as an owner of the"
        " repository with --as"
    ),
    ReasonCode.CHARGE_MISSING: "name the class of the charge with --charge-class",
    ReasonCode.DISPOSITION_MISSING: "say how far the matter has come with --disposition",
    ReasonCode.FINGERS: "search with more fingers of that person",
    ReasonCode.NOT_ACCEPTED: "ask the owner of the repository; see: matcher-service owners show",
}


class NotOpen(MatcherError):  # noqa: N818 - reads as what it is
    """A search that the rules do not allow. Nothing was searched.

    Attributes:
        decision: what was decided, and why.
    """

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        advice = _NEXT.get(decision.reason_code, _LOOK)
        super().__init__(f"{decision.repository} is not searched. {decision.words} What to do: {advice}")


class DeskRight(Protocol):
    """What allows a search, or does not."""

    @property
    def ori(self) -> str:
        """The agency that it is for; "" if it is for none."""
        ...

    @property
    def role(self) -> str:
        """As what it is made, for the audit."""
        ...

    @property
    def said(self) -> dict[str, object]:
        """What the submission says of the matter."""
        ...

    def refuse(self, session: Session, repository: str, *, fingers: int, now: datetime) -> None:
        """Raises NotOpen, NotPermitted or UnknownRepository for what is not to be searched."""
        ...

    def decide(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> Decision:
        """Decide for good, and record it within the caller's transaction."""
        ...

    def still(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> bool:
        """Whether it holds yet, once it was searched."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForAgency:
    """For an agency, by the register's rules; what is not known of the matter is None."""

    ori: str = ""
    transaction: Transaction = Transaction.CAR
    charge_class: ChargeClass | None = None
    disposition: Disposition | None = None

    @property
    def role(self) -> str:
        """None of its own."""
        return ""

    @property
    def said(self) -> dict[str, object]:
        """As `Submission` has it."""
        return {
            "transaction": self.transaction,
            "charge_class": self.charge_class,
            "disposition": self.disposition,
        }

    def refuse(self, session: Session, repository: str, *, fingers: int, now: datetime) -> None:
        """See `DeskRight`."""
        agency, jurisdiction = agency_of(session, self.ori)
        facts = Facts(
            ori=self.ori,
            agency=agency,
            jurisdiction=jurisdiction,
            transaction=self.transaction,
            charge_class=self.charge_class,
            disposition=self.disposition,
            fingers=fingers,
        )
        where = repository_row(session, repository)
        decision = judge_both(session, facts, current(session), (where.id, repository), at=now)
        if decision.verdict is not Verdict.SEARCH:
            raise NotOpen(decision)

    def decide(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> Decision:
        """See `DeskRight`."""
        (decision,) = decide_again(session, submission_id, {repository}, now=now)
        return decision

    def still(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> bool:
        """See `DeskRight`."""
        return still_allowed(session, submission_id, repository, now=now)


@dataclass(frozen=True, slots=True)
class AsOwner:
    """By an owner who has signed in, in a repository of their own."""

    account: Account

    @property
    def ori(self) -> str:
        """For no agency."""
        return ""

    @property
    def role(self) -> str:
        """Those of the account."""
        return self.account.acting_as

    @property
    def said(self) -> dict[str, object]:
        """Nothing."""
        return {}

    def refuse(self, session: Session, repository: str, *, fingers: int, now: datetime) -> None:  # noqa: ARG002 - as `DeskRight` has it
        """See `DeskRight`."""
        repository_row(session, repository)
        require(self.account, Action.REPOSITORY_SEARCH, repository=repository)

    def decide(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> Decision:
        """See `DeskRight`."""
        require(self.account, Action.REPOSITORY_SEARCH, repository=repository)
        return by_owner(session, submission_id, repository, account=self.account.name, now=now)

    def still(self, session: Session, submission_id: int, repository: str, *, now: datetime) -> bool:  # noqa: ARG002 - as `DeskRight` has it
        """An owner's right does not hang on the register."""
        return True
