"""What the spool says of a submission, and of itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SpoolState(StrEnum):
    """How far a submission has come."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REPLIED = "replied"
    REFUSED = "refused"
    EXPIRED = "expired"  # its time was over before the matcher had it
    DAMAGED = "damaged"  # what was saved cannot be read any more


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """A submission in the spool.

    Attributes:
        reply: the first reply's payload.
        saved_ms: the wall clock when it was saved, in milliseconds since 1970.
        held_reason: why the matcher does not accept this kiosk's seal, while that is so.
        expires_ms: the wall clock after which it is not sent any more; None as long as no good clock was there to say.
        seconds: payloads of the second replies, in the order in which they came.
    """

    tcn: str
    state: SpoolState
    reply: bytes | None
    refused_field: str | None
    refused_reason: str | None
    saved_ms: int
    held_reason: str | None = None
    expires_ms: int | None = None
    seconds: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class SpoolTimes:
    """When a submission was saved and ends; within the boot `saved_boot` its age is known whatever the clock did."""

    state: SpoolState
    saved_ms: int
    saved_boot: str
    saved_monotonic_ms: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """How full the spool is.

    Attributes:
        by_state: submissions.
        held_bytes: of prints.
        nearly_full: whether that is nearly all that it takes.
        not_trusted: submissions that the matcher does not take because it does not trust this kiosk's seal.
    """

    by_state: dict[SpoolState, int]
    held_bytes: int
    nearly_full: bool
    not_trusted: int = 0

    @property
    def undelivered(self) -> int:
        """Submissions that the matcher has not acknowledged."""
        return self.by_state[SpoolState.QUEUED] + self.by_state[SpoolState.SENT]
