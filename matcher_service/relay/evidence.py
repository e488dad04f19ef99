"""What devices signed, kept so that it can be shown to others: to the centre above, and to whoever asks later.

The submission is in it, and in the store already; so it is cut out here, and put back when it is needed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matcher_service.repositories.relay_tables import SubmissionEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one submission: who brought it, for which agency, and what was signed, whole."""

    sender: str
    ori: str
    signer: str
    path: tuple[str, ...]
    received_at: datetime
    signed: bytes = field(repr=False)


def keep(
    session: Session,
    tcn: str,
    *,
    sender: str,
    ori: str,
    signer: str,
    signed: bytes,
    payload: bytes,
    path: Sequence[str] = (),
    now: datetime | None = None,
) -> bool:
    """Keep it, the first time. False if there is one already, or `payload` is not in what was signed."""
    cut_at = signed.find(payload)
    if cut_at < 0 or not payload or session.get(SubmissionEvidence, tcn) is not None:
        return False
    session.add(
        SubmissionEvidence(
            tcn=tcn,
            sender=sender,
            ori=ori,
            signer=signer,
            path=json.dumps(list(path)),
            signed=signed[:cut_at] + signed[cut_at + len(payload) :],
            cut_at=cut_at,
            received_at=now or datetime.now(UTC),
        )
    )
    return True


def evidence_of(session: Session, tcn: str, payload: bytes) -> Evidence | None:
    """It, with the stored submission in its place again; None if none was kept."""
    row = session.get(SubmissionEvidence, tcn)
    if row is None:
        return None
    signed = row.signed[: row.cut_at] + payload + row.signed[row.cut_at :]
    path = tuple(str(one) for one in json.loads(row.path))
    return Evidence(row.sender, row.ori, row.signer, path, row.received_at, signed)
