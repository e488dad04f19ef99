"""For whom submissions may carry images of their prints: default deny, as for searching, and never without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.routing.acceptance import judge_both
from matcher_service.routing.deciding import latest
from matcher_service.routing.facts import read_facts
from matcher_service.routing.judging import Verdict
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing.judging import Decision


def images_carried(session: Session, submission_id: int, *, now: datetime) -> list[str]:
    """The repositories whose examiners may be shown images of a submission, by name.

    Those that it was to be searched in by a rule that says so, where the rule as it is now says so too. Raises
    UnknownSubmission.
    """
    then = [one for one in latest(session, submission_id) if _carries(one)]
    if not then:
        return []
    facts, snapshot = read_facts(session, submission_id), current(session)
    return [
        one.repository
        for one in then
        if _carries(judge_both(session, facts, snapshot, (one.repository_id, one.repository), at=now))
    ]


def _carries(decision: Decision) -> bool:
    conditions = decision.conditions
    return decision.verdict is Verdict.SEARCH and conditions is not None and conditions.images
