"""Review as the console and the command line ask for it. Each question is asked of somebody's rights first."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from matcher_service.accounts import Action, NotPermitted, permitted, reach, require
from matcher_service.auditing import note
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.review import claiming, deciding, measuring, queueing
from matcher_service.review.dossier import dossier
from matcher_service.review.errors import TaskOver, TaskTaken
from matcher_service.review.followers import tell_cases, tell_notify
from matcher_service.review.looking import gather
from matcher_service.review.parameters import QUEUE_SHOWN, TENDED_AT_ONCE
from matcher_service.review.rules import WAITING, State
from matcher_service.review.tasks import (
    PURPOSE,
    SYSTEM,
    end,
    images_to_show,
    load,
    still_to_be_seen,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database
    from matcher_service.review.claiming import Claim
    from matcher_service.review.deciding import Recorded
    from matcher_service.review.dossier import Dossier
    from matcher_service.review.looking import Look
    from matcher_service.review.measuring import ExaminerFigures
    from matcher_service.review.queueing import BoardItem, QueueItem
    from matcher_service.review.tasks import Task


@dataclass(frozen=True, slots=True)
class Tended:
    """What a tending did: tasks withdrawn, and tasks for which supervisors are called."""

    withdrawn: int
    escalated: int


class Reviews:
    """Raises NotPermitted, which is in the audit then; ReviewError; StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        identified: Callable[[Session, int], object] = tell_notify,
        ended: Callable[[Session, int, str], object] = tell_cases,
    ) -> None:
        """Both are called in the transaction of the decision that ends a task.

        `identified` with a task that ends as an identification; `ended`, after it, with the submission and the
        repository, whatever it ends as.
        """
        self._database = database
        self._now = now
        self._identified = identified
        self._ended = ended
        self._tended_to = 0

    # -- examiners

    def queue(self, account: Account, *, limit: int = QUEUE_SHOWN) -> list[QueueItem]:
        """What the examiner may claim, or has: the urgent first, then what is due sooner."""
        with self._refusals(account, Action.REVIEW_CLAIM):
            _anywhere(account, Action.REVIEW_CLAIM)
            with self._database.read() as session:
                return queueing.queue(session, account, now=self._now(), limit=limit)

    def claim(self, account: Account, number: int) -> Claim:
        """Take a task, or keep it for longer. Raises UnknownTask, TaskTaken, TaskOver."""
        now = self._now()
        with self._turn(account, Action.REVIEW_CLAIM, number, now) as (session, task):
            return claiming.claim(session, task, account, now)

    def claim_next(self, account: Account) -> Claim | None:
        """The first of the queue that nobody else is faster with; None if there is none."""
        for item in self.queue(account):
            with contextlib.suppress(TaskTaken, TaskOver):
                return self.claim(account, item.task)
        return None

    def release(self, account: Account, number: int) -> bool:
        """Give a task back undecided. False if it was not claimed."""
        with self._refusals(account, Action.REVIEW_CLAIM, number), self._database.write() as session:
            task = load(session, number, lock=True)
            require(account, Action.REVIEW_CLAIM, repository=task.repository, ori=task.ori)
            return claiming.release(session, task, account)

    def look(self, account: Account, number: int) -> Look:
        """What is to be compared. Raises UnknownTask, NotClaimed, TaskOver."""
        return self._look(account, number, "review.look")

    def pairs(self, account: Account, number: int, *, place: int, position: int, nth: int = 0) -> str | None:
        """A drawing of the probe's finger beside the candidate's, with paired minutiae and without a score.

        None where the candidate has no such print. Raises as `look` does, and BadDecision.
        """
        look = self._look(account, number, "review.pairs", place=place, position=position)
        return look.pairs(place=place, position=position, number=nth)

    def decide(
        self, account: Account, number: int, decision: str, *, reason: str, place: int | None = None
    ) -> Recorded:
        """Keep a decision; the same one again changes nothing.

        Raises UnknownTask, NotClaimed, TaskTaken, TaskOver, BadDecision; then nothing was kept.
        """
        choice = deciding.checked(number, decision, reason, place)
        now = self._now()
        with self._turn(account, Action.REVIEW_DECIDE, number, now) as (session, task):
            recorded = deciding.decide(session, task, account, choice, now)
            if recorded.again or task.waiting:
                return recorded
            if task.row.state == State.IDENTIFIED:
                self._identified(session, number)
            self._ended(session, task.row.submission_id, task.repository)
            return recorded

    # -- supervisors

    def board(self, account: Account, *, limit: int = QUEUE_SHOWN) -> list[BoardItem]:
        """All that waits in the supervisor's repositories, what was escalated first."""
        with self._refusals(account, Action.REVIEW_ASSIGN):
            _anywhere(account, Action.REVIEW_ASSIGN)
            with self._database.read() as session:
                return queueing.board(session, account, now=self._now(), limit=limit)

    def assign(self, account: Account, number: int, examiner: str | None) -> None:
        """Give a task to the examiner of that name, or, without, to anybody again.

        Whoever has it undecided loses it. Raises UnknownTask, TaskOver, BadDecision.
        """
        with self._turn(account, Action.REVIEW_ASSIGN, number, self._now()) as (session, task):
            claiming.assign(session, task, account, examiner)

    def dossier(self, account: Account, number: int) -> Dossier:
        """All about a task; decisions and ranks once it is closed. Raises UnknownTask."""
        with self._refusals(account, Action.REVIEW_ASSIGN, number):
            with self._database.read() as session:
                task = load(session, number)
            require(account, Action.REVIEW_ASSIGN, repository=task.repository, ori=task.ori)
            self._note(account, task, "review.show")
            blind = permitted(account, Action.REVIEW_DECIDE, repository=task.repository, ori=task.ori)
            with self._database.read() as session:
                return dossier(session, load(session, number), blind=blind)

    def statistics(self, account: Account) -> list[ExaminerFigures]:
        """What each examiner decided in the supervisor's repositories, and the error rates."""
        with self._refusals(account, Action.REVIEW_ASSIGN):
            _anywhere(account, Action.REVIEW_ASSIGN)
            note(
                self._database,
                "review.statistics",
                actor=account.name,
                role=account.acting_as,
                purpose="examiners' error rates",
            )
            with self._database.read() as session:
                return measuring.statistics(session, account)

    # -- the service itself

    def overdue(self) -> dict[str, int]:
        """How many tasks are late, by repository."""
        with self._database.read() as session:
            return queueing.overdue(session, now=self._now())

    def tend(self) -> Tended:
        """To be called every minute or so: withdraw what may no longer be seen, call supervisors for what is late."""
        now = self._now()
        ended = sum(self._end_if_shut(number, now) for number in self._shut(now))
        late = select(ReviewTask.id).where(
            ReviewTask.state.in_(WAITING), ReviewTask.due_at < now, ReviewTask.escalated_at.is_(None)
        )
        with self._database.read() as session:
            numbers = list(session.scalars(late.order_by(ReviewTask.id).limit(TENDED_AT_ONCE)))
        return Tended(ended, sum(self._escalate(number, now) for number in numbers))

    def _escalate(self, number: int, now: datetime) -> bool:
        with self._database.write() as session:
            task = load(session, number, lock=True)
            late = task.waiting and task.row.escalated_at is None
            if late:
                task.row.escalated_at = now
                session.flush()
                tell(session, task, "review.escalate", actor=SYSTEM, why="overdue")
            return late

    def _shut(self, now: datetime) -> list[int]:
        query = (
            select(ReviewTask.id)
            .where(ReviewTask.state.in_(WAITING), ReviewTask.id > self._tended_to)
            .order_by(ReviewTask.id)
            .limit(TENDED_AT_ONCE)
        )
        with self._database.read() as session:
            numbers = list(session.scalars(query))
            self._tended_to = numbers[-1] if len(numbers) == TENDED_AT_ONCE else 0
            return [one for one in numbers if still_to_be_seen(session, load(session, one), now)]

    def _end_if_shut(self, number: int, now: datetime) -> bool:
        with self._database.write() as session:
            task = load(session, number, lock=True)
            why = still_to_be_seen(session, task, now) if task.waiting else ""
            if why:
                end(session, task, why, by=SYSTEM, now=now)
            return bool(why)

    # -- what all of them share

    def _look(self, account: Account, number: int, action: str, **details: int) -> Look:
        now = self._now()
        with self._refusals(account, Action.REVIEW_CLAIM, number):
            shut, images = False, 0
            with self._database.write() as session:
                task = load(session, number, lock=True)
                require(account, Action.REVIEW_CLAIM, repository=task.repository, ori=task.ori)
                turn = claiming.own_turn(session, task, account, now)
                if why := still_to_be_seen(session, task, now):
                    shut = True
                    end(session, task, why, by=SYSTEM, now=now)
                else:
                    # In the audit, and committed, before anything is read for them.
                    turn.looked_at = turn.looked_at or now
                    session.flush()
                    tell(session, task, action, actor=account.name, role=account.acting_as, **details)
                    images = images_to_show(session, task, now)
                    if images:
                        role = account.acting_as
                        tell(session, task, "image.read", actor=account.name, role=role, images=images)
            if shut:
                raise TaskOver(number, "withdrawn")
            return gather(self._database, task, expires_at=turn.expires_at, images=images > 0)

    @contextlib.contextmanager
    def _turn(
        self, account: Account, action: Action, number: int, now: datetime
    ) -> Generator[tuple[Session, Task]]:
        """A task, locked, that the account may do this to, in a transaction. What may not be seen is withdrawn."""
        with self._refusals(account, action, number):
            shut = ""
            with self._database.write() as session:
                task = load(session, number, lock=True)
                require(account, action, repository=task.repository, ori=task.ori)
                shut = still_to_be_seen(session, task, now) if task.waiting else ""
                if shut:
                    end(session, task, shut, by=SYSTEM, now=now)
                else:
                    yield session, task
            if shut:
                raise TaskOver(number, "withdrawn")

    @contextlib.contextmanager
    def _refusals(self, account: Account, action: Action, number: int | None = None) -> Generator[None]:
        """Whoever tries what is not theirs, or comes too late with it, stands in the audit."""
        try:
            yield
        except (TaskTaken, TaskOver) as late:
            note(
                self._database,
                "review.refused",
                actor=account.name,
                role=account.acting_as,
                purpose=PURPOSE,
                outcome="refused",
                task=late.task,
                tried=str(action),
                because="taken" if isinstance(late, TaskTaken) else "over",
            )
            raise
        except NotPermitted as refused:
            about: dict[str, Any] = {} if number is None else {"task": number}
            note(
                self._database,
                action,
                actor=account.name,
                role=account.acting_as,
                purpose=PURPOSE,
                outcome="refused",
                repository=refused.repository or "",
                **about,
            )
            raise

    def _note(self, account: Account, task: Task, action: str, **details: Any) -> None:  # noqa: ANN401 - facts
        note(
            self._database,
            action,
            actor=account.name,
            role=account.acting_as,
            purpose=PURPOSE,
            subject=task.tcn,
            repository=task.repository,
            jurisdiction=task.jurisdiction,
            task=task.number,
            **details,
        )


def _anywhere(account: Account, action: Action) -> None:
    if not reach(account, action):
        require(account, action)
