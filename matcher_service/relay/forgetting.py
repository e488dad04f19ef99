"""What relaying kept of a submission that is erased here goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from matcher_service.repositories.relay_tables import (
    RelayItem,
    RelayReply,
    RelayReport,
    SubmissionEvidence,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def forget(session: Session, tcn: str) -> None:
    """Remove all that is kept of one submission here, within the caller's transaction: it was deleted or expunged.

    That it was here once (`relay_arrival`, a hash) stays, so that nobody can bring it again.
    """
    for table in (SubmissionEvidence, RelayItem, RelayReply, RelayReport):
        session.execute(delete(table).where(table.tcn == tcn))
