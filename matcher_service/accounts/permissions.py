"""Who may do what: a table of roles and actions. What is not in it is refused.

docs/roles.md is written from it, and a test asks every cell.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What somebody works as. One person may have several; what they may do is added up."""

    OFFICER = "officer"
    EXAMINER = "examiner"
    SUPERVISOR = "supervisor"
    CASE_OFFICER = "case_officer"
    REPOSITORY_OWNER = "repository_owner"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be done, as the audit calls it too."""

    SUBMISSION_READ = "submission.read"
    SUBMISSION_AMEND = "submission.amend"
    SUBMISSION_REDELIVER = "submission.redeliver"
    CANDIDATE_EXPLAIN = "candidate.explain"
    REVIEW_CLAIM = "review.claim"
    REVIEW_DECIDE = "review.decide"
    REVIEW_ASSIGN = "review.assign"
    IDENTIFICATION_READ = "identification.read"
    NOTIFICATION_READ = "notification.read"
    NOTIFICATION_RESEND = "notification.resend"
    SUBSCRIBER_MANAGE = "subscriber.manage"
    CASE_READ = "case.read"
    CASE_EVALUATE = "case.evaluate"
    CONVICTION_RECORD = "conviction.record"
    CHALLENGE_OPEN = "challenge.open"
    CHALLENGE_CLOSE = "challenge.close"
    RETRACTION_MAKE = "retraction.make"
    REPOSITORY_READ = "repository.read"
    REPOSITORY_SEARCH = "repository.search"
    REPOSITORY_ENROL = "repository.enrol"
    REPOSITORY_MANAGE = "repository.manage"
    REPOSITORY_EXPORT = "repository.export"
    ACTIVATION_READ = "activation.read"
    ACTIVATION_PROPOSE = "activation.propose"
    ACTIVATION_APPROVE = "activation.approve"
    ACTIVATION_SUSPEND = "activation.suspend"
    RETENTION_MANAGE = "retention.manage"
    EXPUNGE_REQUEST = "expunge.request"
    EXPUNGE_APPROVE = "expunge.approve"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    REPORT_READ = "report.read"
    ACCOUNT_MANAGE = "account.manage"
    DEVICE_MANAGE = "device.manage"
    RELAY_READ = "relay.read"
    RELAY_DECIDE = "relay.decide"


class Scope(StrEnum):
    """How far a right reaches.

    ALL: everywhere, or within the repository for which the role was given. OWN: only in repositories for which the
    role was given by name. AGENCY: only what carries the ORI of the account.
    """

    ALL = "all"
    OWN = "own repository"
    AGENCY = "own agency"


_ALL, _OWN, _AGENCY = Scope.ALL, Scope.OWN, Scope.AGENCY

TABLE: Final[Mapping[Role, Mapping[Action, Scope]]] = MappingProxyType(
    {
        # Books people; sees the bookings of the own jail and asks for redress on somebody's behalf.
        Role.OFFICER: {
            Action.SUBMISSION_READ: _AGENCY,
            Action.SUBMISSION_AMEND: _AGENCY,
            Action.SUBMISSION_REDELIVER: _AGENCY,
            Action.CHALLENGE_OPEN: _AGENCY,
            Action.ACTIVATION_READ: _ALL,
        },
        # Compares prints. Sees neither cases nor who was told: it could sway the decision.
        Role.EXAMINER: {
            Action.CANDIDATE_EXPLAIN: _ALL,
            Action.REVIEW_CLAIM: _ALL,
            Action.REVIEW_DECIDE: _ALL,
            Action.ACTIVATION_READ: _ALL,
        },
        # Sees to it that reviews are done and mistakes are taken back; decides no comparison.
        Role.SUPERVISOR: {
            Action.SUBMISSION_READ: _ALL,
            Action.SUBMISSION_REDELIVER: _ALL,
            Action.CANDIDATE_EXPLAIN: _ALL,
            Action.REVIEW_ASSIGN: _ALL,
            Action.IDENTIFICATION_READ: _ALL,
            Action.NOTIFICATION_READ: _ALL,
            Action.NOTIFICATION_RESEND: _ALL,
            Action.CHALLENGE_OPEN: _ALL,
            Action.CHALLENGE_CLOSE: _ALL,
            Action.RETRACTION_MAKE: _ALL,
            Action.REPOSITORY_READ: _ALL,
            Action.ACTIVATION_READ: _ALL,
            Action.EXPUNGE_REQUEST: _ALL,
            Action.REPORT_READ: _ALL,
            Action.RELAY_READ: _ALL,
            Action.RELAY_DECIDE: _ALL,
        },
        # Evaluates the cases of the agency that was notified.
        Role.CASE_OFFICER: {
            Action.IDENTIFICATION_READ: _AGENCY,
            Action.NOTIFICATION_READ: _AGENCY,
            Action.CASE_READ: _AGENCY,
            Action.CASE_EVALUATE: _AGENCY,
            Action.CONVICTION_RECORD: _AGENCY,
            Action.CHALLENGE_OPEN: _AGENCY,
            Action.ACTIVATION_READ: _ALL,
        },
        # Answers for a repository: what is in it, who may search it, how long it is kept.
        Role.REPOSITORY_OWNER: {
            Action.IDENTIFICATION_READ: _OWN,
            Action.NOTIFICATION_READ: _OWN,
            Action.NOTIFICATION_RESEND: _OWN,
            Action.SUBSCRIBER_MANAGE: _OWN,
            Action.RETRACTION_MAKE: _OWN,
            Action.REPOSITORY_READ: _OWN,
            Action.REPOSITORY_SEARCH: _OWN,
            Action.REPOSITORY_ENROL: _OWN,
            Action.REPOSITORY_MANAGE: _OWN,
            Action.REPOSITORY_EXPORT: _OWN,
            Action.ACTIVATION_READ: _ALL,
            Action.ACTIVATION_PROPOSE: _OWN,
            Action.ACTIVATION_APPROVE: _OWN,
            Action.ACTIVATION_SUSPEND: _OWN,
            Action.RETENTION_MANAGE: _OWN,
            Action.EXPUNGE_REQUEST: _OWN,
            Action.EXPUNGE_APPROVE: _OWN,
            Action.REPORT_READ: _OWN,
            Action.RELAY_READ: _OWN,
            Action.RELAY_DECIDE: _OWN,
        },
        # Looks at what was done. Sees no prints and no cases.
        Role.AUDITOR: {
            Action.ACTIVATION_READ: _ALL,
            Action.AUDIT_READ: _ALL,
            Action.AUDIT_VERIFY: _ALL,
            Action.REPORT_READ: _ALL,
        },
        # Keeps the system running. Sees no prints, no cases and not what others looked at.
        Role.ADMINISTRATOR: {
            Action.SUBSCRIBER_MANAGE: _ALL,
            Action.REPOSITORY_MANAGE: _ALL,
            Action.ACTIVATION_READ: _ALL,
            Action.ACTIVATION_PROPOSE: _ALL,
            Action.ACTIVATION_APPROVE: _ALL,
            Action.ACTIVATION_SUSPEND: _ALL,
            Action.AUDIT_VERIFY: _ALL,
            Action.REPORT_READ: _ALL,
            Action.ACCOUNT_MANAGE: _ALL,
            Action.DEVICE_MANAGE: _ALL,
        },
    }
)

TWO_PEOPLE: Final[Mapping[Action, Action]] = MappingProxyType(
    {
        Action.REPOSITORY_EXPORT: Action.REPOSITORY_EXPORT,
        Action.ACTIVATION_PROPOSE: Action.ACTIVATION_APPROVE,
        Action.EXPUNGE_REQUEST: Action.EXPUNGE_APPROVE,
    }
)
"""What one person asks for, and what another needs to agree to it."""
