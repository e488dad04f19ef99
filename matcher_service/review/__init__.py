"""Review: examiners compare what was found; only what they confirm is an identification. See docs/review.md."""

from matcher_service.review.claiming import Claim
from matcher_service.review.deciding import Recorded, confirmed_by
from matcher_service.review.dossier import Dossier
from matcher_service.review.errors import (
    BadDecision,
    NotClaimed,
    ReviewError,
    TaskOver,
    TaskTaken,
    UnknownTask,
)
from matcher_service.review.looking import Look, ShownCandidate, ShownPrint
from matcher_service.review.measuring import ExaminerFigures
from matcher_service.review.opening import identity_removed, open_tasks, withdraw
from matcher_service.review.queueing import BoardItem, QueueItem
from matcher_service.review.reviews import Reviews, Tended
from matcher_service.review.rules import Decision, State
from matcher_service.review.tending import Tending

__all__ = [
    "BadDecision",
    "BoardItem",
    "Claim",
    "Decision",
    "Dossier",
    "ExaminerFigures",
    "Look",
    "NotClaimed",
    "QueueItem",
    "Recorded",
    "ReviewError",
    "Reviews",
    "ShownCandidate",
    "ShownPrint",
    "State",
    "TaskOver",
    "TaskTaken",
    "Tended",
    "Tending",
    "UnknownTask",
    "confirmed_by",
    "identity_removed",
    "open_tasks",
    "withdraw",
]
