"""What was refused, kept for inspection: as it came, with the reason, and never more than a set number."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from interchange.logs import facts
from interchange.messages import MAX_PAYLOAD_BYTES
from matcher_service.repositories.schema import RefusedSubmission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.repositories.database import Database

log = logging.getLogger("matcher.quarantine")

MAX_TOPIC = 120


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused submission; `payload` is cut at the size of the largest payload that is read."""

    received_at: datetime
    topic: str
    device: str
    tcn: str | None
    field: str
    reason: str
    payload: bytes
    payload_bytes: int


class Quarantine:
    """Refused submissions. The oldest make room for new ones, those of the same device first."""

    def __init__(self, database: Database, *, per_device: int, total: int) -> None:
        self._database = database
        self._per_device = per_device
        self._total = total

    def keep(
        self, *, topic: str, device: str, tcn: str | None, field: str, reason: str, payload: bytes
    ) -> None:
        """Keep one. `device` is empty where the topic names none."""
        with self._database.write() as session:
            session.add(
                RefusedSubmission(
                    received_at=datetime.now(UTC),
                    topic=topic[:MAX_TOPIC],
                    device=device,
                    tcn=tcn,
                    field=_text(field, 120),
                    reason=_text(reason, 300),
                    payload=payload[:MAX_PAYLOAD_BYTES],
                    payload_bytes=len(payload),
                )
            )
            session.flush()
            self._make_room(session, self._per_device, device)
            self._make_room(session, self._total, None)

    def newest(self, *, limit: int = 50) -> list[Refusal]:
        """The newest refusals, newest first."""
        query = select(RefusedSubmission).order_by(RefusedSubmission.id.desc()).limit(limit)
        with self._database.read() as session:
            return [
                Refusal(
                    row.received_at,
                    row.topic,
                    row.device,
                    row.tcn,
                    row.field,
                    row.reason,
                    row.payload,
                    row.payload_bytes,
                )
                for row in session.scalars(query)
            ]

    def _make_room(self, session: Session, kept: int, device: str | None) -> None:
        mine = () if device is None else (RefusedSubmission.device == device,)
        excess = (session.scalar(select(func.count(RefusedSubmission.id)).where(*mine)) or 0) - kept
        if excess > 0:
            oldest = select(RefusedSubmission.id).where(*mine).order_by(RefusedSubmission.id).limit(excess)
            session.execute(delete(RefusedSubmission).where(RefusedSubmission.id.in_(oldest)))
            log.warning("quarantine full, oldest dropped", extra=facts(count=excess, device=device or "any"))


def _text(text: str, most: int) -> str:
    """As much of it as the table holds; PostgreSQL takes no NUL."""
    return text[:most].replace("\0", "?")
