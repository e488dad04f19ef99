"""Reviews, for supervisors: what waits and who has it, whom it is given to, a task's dossier, examiners' figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.accounts import Action, NotPermitted, permitted, reach
from matcher_service.accounts.directory import AccountState, Directory
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import Card, asked, field, signed_in
from matcher_service.review import BadDecision, TaskOver, UnknownTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console
    from matcher_service.review import Reviews

_NOT_THERE = "There is no task of this number in your repositories."
_MOST_DIGITS = 18  # what an INTEGER holds


def add_pages(console: Console, *, reviews: Reviews, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages
    """The pages under /review-board."""
    directory = Directory(console.database, now=now)

    def number_of(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise NotThere(_NOT_THERE)
        return int(text)

    def examiners(names: set[str]) -> dict[str, list[str]]:
        """By repository, who could decide its tasks, wherever they come from."""
        people = [one.account for one in directory.all() if one.state == AccountState.ACTIVE]
        return {
            name: [one.name for one in people if permitted(one, Action.REVIEW_DECIDE, repository=name)]
            for name in names
        }

    @console.get("/review-board", needs=Action.REVIEW_ASSIGN, menu="Review board", place=21)
    def board(request: Request) -> Response:
        if wanted := asked(request, "task", most=_MOST_DIGITS):
            return console.go(request, f"/review-board/{number_of(wanted)}")
        items = reviews.board(signed_in(request))
        able = examiners({one.repository for one in items})
        return console.show(request, "review_board.html", items=items, examiners=able)

    @console.get("/review-board/statistics", needs=Action.REVIEW_ASSIGN)
    def statistics(request: Request) -> Response:
        return console.show(request, "review_statistics.html", rows=reviews.statistics(signed_in(request)))

    @console.get("/review-board/{task}", needs=Action.REVIEW_ASSIGN)
    def dossier(request: Request) -> Response:
        try:
            one = reviews.dossier(signed_in(request), number_of(request.path_params["task"]))
        except (UnknownTask, NotPermitted):
            raise NotThere(_NOT_THERE) from None
        return console.show(request, "review_dossier.html", one=one)

    @console.post("/review-board/{task}/assign", needs=Action.REVIEW_ASSIGN)
    def assign(request: Request) -> Response:
        number = number_of(request.path_params["task"])
        examiner = field(request, "examiner", needed=False) or None
        try:
            reviews.assign(signed_in(request), number, examiner)
        except (UnknownTask, NotPermitted):
            raise NotThere(_NOT_THERE) from None
        except (BadDecision, TaskOver) as error:
            return console.go(request, "/review-board", bad=f"Nothing was changed. {error}.")
        words = f"Task {number} is {examiner}'s." if examiner else f"Task {number} is for anybody again."
        return console.go(request, "/review-board", good=words)

    @console.waiting
    def late(account: Account) -> Iterator[Card]:
        if not reach(account, Action.REVIEW_ASSIGN):
            return
        items = reviews.board(account)
        count = sum(one.overdue for one in items)
        called = sum(one.escalated_at is not None and not one.overdue for one in items)
        words = f"Of {len(items)} that wait." if items else "No review waits."
        yield Card(
            title="Overdue reviews",
            count=count,
            words=words + (f" {called} more need you." if called else ""),
            href="/review-board",
            urgent=bool(count),
        )
