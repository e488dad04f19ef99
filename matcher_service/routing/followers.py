"""Those who follow a decision: review once something was searched, notification once a charge has changed.

They stand above routing, and are asked for when there is something for them: in the same transaction, so that both
happen or neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def searches_stored(session: Session, submission_id: int) -> None:
    """Whoever examines what was found gets a task."""
    from matcher_service import review

    review.open_tasks(session, submission_id)


def dispositions_changed(session: Session, tcn: str) -> None:
    """What was held back may go out, what went out may have to be taken back."""
    from matcher_service import notify

    notify.dispositions_changed(session, tcn)
