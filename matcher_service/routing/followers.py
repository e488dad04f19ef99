"""Those who follow a decision: review once something was searched, notification once a charge has changed.

They stand above routing, and are asked for by name when there is something for them.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_REVIEW, _NOTIFY = "matcher_service.review", "matcher_service.notify"


def searches_stored(session: Session, submission_id: int) -> None:
    """Whoever examines what was found gets a task, in this transaction."""
    if _is_there(_REVIEW):
        import_module(_REVIEW).open_tasks(session, submission_id)


def dispositions_changed(session: Session, tcn: str) -> None:
    """What was held back may go out, what went out may have to be taken back; in this transaction."""
    if _is_there(_NOTIFY):
        import_module(_NOTIFY).dispositions_changed(session, tcn)


def _is_there(package: str) -> bool:
    found = find_spec(package)
    return found is not None and found.origin is not None
