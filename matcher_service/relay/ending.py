"""That nothing follows from the centre above: said to a kiosk that was told to wait for it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.messages import Reply, encode_message
from matcher_service.repositories.relay_tables import RelayReply

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

# As in the database: nothing was passed on, and that is what the kiosk is told.
WITHDRAWN = "withdrawn"


def nothing_follows(session: Session, tcn: str, *, centre: str, now: datetime) -> None:
    """Have the kiosk told so, within the caller's transaction; once, however often it is called."""
    known = select(RelayReply.id).where(RelayReply.tcn == tcn, RelayReply.stage == "none")
    if session.scalar(known) is not None:
        return
    reply = Reply(
        tcn=tcn, stage="second", answered_at=now, repositories=(), timings_ms={}, not_searched=(centre,)
    )
    payload = encode_message(reply)
    session.add(
        RelayReply(
            tcn=tcn,
            sha256=sha256(payload).hexdigest(),
            stage="none",
            payload=payload,
            received_at=now,
            state=WITHDRAWN,
            passed_at=now,
            for_kiosk=payload,
        )
    )
