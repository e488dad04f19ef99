"""What the centre keeps: who is enrolled where, what was submitted, what was found, what was refused."""

from matcher_service.repositories.database import Database
from matcher_service.repositories.devices import Devices, KnownDevice
from matcher_service.repositories.enrolment import (
    Changes,
    Enrolled,
    Repositories,
    RepositorySummary,
    StoredPrint,
)
from matcher_service.repositories.prints import NewPrint, read_single, split
from matcher_service.repositories.quarantine import Quarantine, Refusal
from matcher_service.repositories.registry import (
    Invitation,
    KeyKind,
    KeyRecord,
    NotAdmitted,
    Registration,
    Registry,
    RegistryState,
)
from matcher_service.repositories.submissions import (
    Filed,
    FoundCandidate,
    Outcome,
    SearchOutcome,
    StoredReply,
    Submissions,
    WaitingSubmission,
)

__all__ = [
    "Changes",
    "Database",
    "Devices",
    "Enrolled",
    "Filed",
    "FoundCandidate",
    "Invitation",
    "KeyKind",
    "KeyRecord",
    "KnownDevice",
    "NewPrint",
    "NotAdmitted",
    "Outcome",
    "Quarantine",
    "Refusal",
    "Registration",
    "Registry",
    "RegistryState",
    "Repositories",
    "RepositorySummary",
    "SearchOutcome",
    "StoredPrint",
    "StoredReply",
    "Submissions",
    "WaitingSubmission",
    "read_single",
    "split",
]
