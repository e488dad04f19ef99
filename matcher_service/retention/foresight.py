"""What the rules of one repository would erase by now, and why the rest of its bookings stays: for its owner to read.

Nothing is written. The run itself is `expiry.expire`, over all repositories; both ask `judging.judge`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from matcher_service.repositories.schema import SearchRecord, StoredSubmission
from matcher_service.repositories.submissions import Outcome as Stored
from matcher_service.retention import parameters
from matcher_service.retention.clock import check_clock
from matcher_service.retention.errors import RetentionRefused
from matcher_service.retention.judging import judge
from matcher_service.retention.policies import Outcome, policies, repository_row

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.retention.judging import Verdict
    from matcher_service.retention.policies import Policy


@dataclass(slots=True)
class Foreseen:
    """What a run would do now to the bookings that were searched in one repository.

    Attributes:
        looked_at: how many were judged, the oldest first.
        whole: whether those were all; a large repository is counted for some seconds only.
        erased: how many would go, by what they came to in this repository.
        kept: how many stay, by what they came to here and why: "held", "under_way", "not_yet", "undecided_here" (this
            repository has no rule for it), "elsewhere" (another one, in which it was searched too, wants it).
        clock: why a run would refuse, "" if it would not.
    """

    looked_at: int = 0
    whole: bool = True
    erased: Counter[Outcome] = field(default_factory=Counter[Outcome])
    kept: Counter[tuple[Outcome, str]] = field(default_factory=Counter[tuple[Outcome, str]])
    clock: str = ""

    def kept_because(self, why: str) -> int:
        """How many stay for one reason."""
        return sum(count for (_, because), count in self.kept.items() if because == why)


def foresee(
    database: Database,
    repository: str,
    *,
    not_searched_days: int | None = None,
    now: datetime | None = None,
    patience_s: float = parameters.FORESEE_S,
) -> Foreseen:
    """See the module. Raises UnknownRepository, StoreError."""
    at, found, after = now or datetime.now(UTC), Foreseen(), 0
    give_up = time.monotonic() + patience_s
    with database.read() as session:
        where = repository_row(session, repository).id
        rules = {(one.repository, one.outcome): one for one in policies(session)}
        try:
            check_clock(session, at)
        except RetentionRefused as error:
            found.clock = str(error)
    while True:
        with database.read() as session:
            rows = list(
                session.scalars(
                    select(StoredSubmission)
                    .where(
                        StoredSubmission.outcome.in_((Stored.ANSWERED, Stored.FAILED)),
                        StoredSubmission.id > after,
                        exists().where(
                            SearchRecord.submission_id == StoredSubmission.id,
                            SearchRecord.repository_id == where,
                        ),
                    )
                    .order_by(StoredSubmission.id)
                    .limit(parameters.PAGE)
                )
            )
            if not rows:
                return found
            verdicts = judge(session, rows, rules, not_searched_days=not_searched_days, now=at)
        after = rows[-1].id
        found.looked_at += len(rows)
        for verdict in verdicts:
            _count(found, verdict, repository, rules)
        if time.monotonic() > give_up:
            found.whole = len(rows) < parameters.PAGE
            return found


def _count(
    found: Foreseen, verdict: Verdict, repository: str, rules: dict[tuple[str, Outcome], Policy]
) -> None:
    outcome = dict(verdict.came_to)[repository]
    if not verdict.because:
        found.erased[outcome] += 1
        return
    because = verdict.because
    if because == "no_policy":
        rule = rules.get((repository, outcome))
        because = "undecided_here" if rule is None or rule.keep_days is None else "elsewhere"
    found.kept[outcome, because] += 1
