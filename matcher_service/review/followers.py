"""Those who follow a review: notification once somebody was identified, the case desk once a task has ended.

They stand above review, and are asked for when there is something for them: in the same transaction, so that both
happen or neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def tell_notify(session: Session, task_id: int) -> None:
    """An identification was made; whoever is to know of it is told, now or once the rules allow it."""
    from matcher_service import notify

    notify.identified(session, task_id)


def tell_cases(session: Session, submission_id: int, repository: str) -> None:
    """The kiosk may have been promised a second answer."""
    from matcher_service import cases

    cases.second_response(session, submission_id, repository)
