"""Reviews, for examiners: the queue, and a task: the probe beside a candidate, a decision with its reason.

Everything on a task's page is one form, and each of its buttons sends all of it: whatever was typed comes back with
the next page, also when another was faster or the claim ran out. What goes wrong never says what others decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.accounts import Action, NotPermitted, reach
from matcher_service.console import review_board_pages
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import Card, fields, signed_in
from matcher_service.console.review_view import Drawn, Typed, View, drawing
from matcher_service.review import (
    BadDecision,
    Decision,
    NotClaimed,
    ReviewError,
    Reviews,
    TaskOver,
    TaskTaken,
    UnknownTask,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console

# The same words whether there is none or it is of another repository: nobody learns which tasks there are.
NOT_THERE = "There is no task of this number among those that you may see."


def number_of(request: Request) -> int:
    """The number of the task in the address. Raises NotThere."""
    text = request.path_params["task"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # what an INTEGER holds
        raise NotThere(NOT_THERE)
    return int(text)


def stopped(
    console: Console, request: Request, problem: ReviewError | NotPermitted, typed: Typed
) -> Response:
    """The page for what ended otherwise; what was typed is on it."""
    if isinstance(problem, (UnknownTask, NotPermitted)):
        raise NotThere(NOT_THERE) from None
    title, again = "That was not recorded", ""
    if isinstance(problem, TaskTaken):
        title, again = "Another examiner has it", "Try to take it again"
    elif isinstance(problem, NotClaimed):
        title, again = "You do not have this task", "Take it"
    elif isinstance(problem, TaskOver):
        title = {
            "decided": "You have decided this one",
            "withdrawn": "It was withdrawn",
        }.get(problem.state, "It is closed")
    words = str(problem)
    if isinstance(problem, NotClaimed):
        words = f"task {problem.task} is not claimed by you, or your claim ran out. Nothing was recorded"
    return console.show(
        request,
        "review_stop.html",
        status=409,
        title=title,
        words=f"{words[:1].upper()}{words[1:]}.",
        again=again,
        task=problem.task,
        typed=typed,
    )


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages
    """The pages under /reviews and /review-board, and their cards on the start page."""
    reviews = Reviews(console.database, now=now)
    review_board_pages.add_pages(console, reviews=reviews, now=now)
    console.waiting(lambda account: _waiting(reviews, account))

    def compared(
        request: Request, typed: Typed, view: View, *, problem: str = "", status: int = 200
    ) -> Response:
        account, number = signed_in(request), number_of(request)
        try:
            look = reviews.look(account, number)
            view = view.within(look)
            theirs = look.candidate(view.place).of(view.position) if look.candidates else ()
            probe = look.probe(view.position) if look.probes else None
            pairs = None
            if view.pairs and theirs and probe is not None:
                pairs = reviews.pairs(account, number, place=view.place, position=view.position, nth=view.nth)
        except (ReviewError, NotPermitted) as error:
            return stopped(console, request, error, typed)
        return console.show(
            request,
            "review.html",
            status=status,
            look=look,
            view=view,
            typed=typed,
            problem=problem,
            theirs=theirs,
            probe=None if probe is None else Drawn.of(probe),
            other=Drawn.of(theirs[view.nth]) if theirs and probe is not None else None,
            pairs=None if pairs is None else drawing(pairs),
            moved=bool(fields(request, "show")),
            minutes=max(0, int((look.expires_at - now()).total_seconds() // 60)),
        )

    def view_of(request: Request) -> View:
        """What a button asked for, or else what was shown."""
        return View.of(next(iter([*fields(request, "show"), *fields(request, "shown")]), ""))

    @console.get("/reviews", needs=Action.REVIEW_CLAIM, menu="Reviews", place=20)
    def queue(request: Request) -> Response:
        return console.show(request, "reviews.html", items=reviews.queue(signed_in(request)))

    @console.post("/reviews/next", needs=Action.REVIEW_CLAIM)
    def take_next(request: Request) -> Response:
        claim = reviews.claim_next(signed_in(request))
        if claim is None:
            return console.go(request, "/reviews", good="Nothing waits for you any more.")
        return console.go(request, f"/reviews/{claim.task}")

    @console.get("/reviews/{task}", needs=Action.REVIEW_CLAIM)
    def task(request: Request) -> Response:
        return compared(request, Typed(), View())

    @console.post("/reviews/{task}", needs=Action.REVIEW_CLAIM)
    def show(request: Request) -> Response:
        return compared(request, Typed.of(request), view_of(request))

    @console.post("/reviews/{task}/claim", needs=Action.REVIEW_CLAIM)
    def claim(request: Request) -> Response:
        number, typed = number_of(request), Typed.of(request)
        try:
            reviews.claim(signed_in(request), number)
        except (ReviewError, NotPermitted) as error:
            return stopped(console, request, error, typed)
        if typed == Typed():
            return console.go(request, f"/reviews/{number}")
        return compared(request, typed, view_of(request))

    @console.post("/reviews/{task}/release", needs=Action.REVIEW_CLAIM)
    def release(request: Request) -> Response:
        number = number_of(request)
        try:
            given = reviews.release(signed_in(request), number)
        except (ReviewError, NotPermitted) as error:
            return stopped(console, request, error, Typed.of(request))
        words = f"Task {number} is given back, undecided." if given else f"You did not have task {number}."
        return console.go(request, "/reviews", good=words)

    @console.post("/reviews/{task}/decide", needs=Action.REVIEW_DECIDE)
    def decide(request: Request) -> Response:
        number, typed = number_of(request), Typed.of(request)
        if typed.decision == Decision.IDENTIFICATION and typed.place is None:
            problem = "Nothing was recorded yet: choose which candidate is the same person."
            return compared(request, typed, view_of(request), problem=problem, status=400)
        try:
            reviews.decide(signed_in(request), number, typed.decision, reason=typed.reason, place=typed.place)
        except BadDecision as error:
            problem = f"Nothing was recorded yet. {error.field.capitalize()}: {error.reason}."
            return compared(request, typed, view_of(request), problem=problem, status=400)
        except (ReviewError, NotPermitted) as error:
            return stopped(console, request, error, typed)
        return console.go(request, "/reviews", good=f"Your decision on task {number} is recorded.")


def _waiting(reviews: Reviews, account: Account) -> Iterator[Card]:
    if not reach(account, Action.REVIEW_CLAIM):
        return
    items = reviews.queue(account)
    have = sum(one.mine_until is not None for one in items)
    late = sum(one.overdue for one in items)
    words = "Prints to be compared." if items else "Nothing is to be compared."
    yield Card(
        title="Reviews waiting",
        count=len(items),
        words=words + (f" You have {have}." if have else "") + (f" {late} late." if late else ""),
        href="/reviews",
        urgent=bool(late),
    )
