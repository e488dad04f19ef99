"""Submissions: found by TCN, what was decided for each repository and why, what was answered; dead letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from matcher_service.accounts import Action, permitted, reach
from matcher_service.auditing import record
from matcher_service.console import submission_rows
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import asked, require, signed_in
from matcher_service.console.parameters import ROWS_SHOWN
from matcher_service.repositories import Outcome, Submissions
from matcher_service.routing import UnknownSubmission, why

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console

# The same words whether there is none or it is another agency's: nobody learns which numbers there are.
_NOT_THERE = "There is no submission with this number among those that you may see."


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:
    """The pages under /submissions."""
    database = console.database
    store = Submissions(database, instance="console")

    def found(request: Request, action: Action) -> submission_rows.SubmissionRow:
        account = signed_in(request)
        tcn = request.path_params["tcn"]
        with database.read() as session:
            row = submission_rows.find(session, reach(account, action), tcn)
        if row is None:
            console.looked(account, action, purpose="console", outcome="not found", subject=tcn)
            raise NotThere(_NOT_THERE)
        return row

    @console.get("/submissions", needs=Action.SUBMISSION_READ, menu="Submissions", place=10)
    def submissions(request: Request) -> Response:
        account = signed_in(request)
        tcn = asked(request, "tcn", most=64)
        if tcn:
            return console.go(request, f"/submissions/{quote(tcn, safe='')}")
        outcome = asked(request, "outcome")
        outcome = outcome if outcome in set(Outcome) else ""
        before = asked(request, "before")
        console.looked(account, Action.SUBMISSION_READ, purpose="console: list of submissions")
        with database.read() as session:
            listed = submission_rows.rows(
                session,
                reach(account, Action.SUBMISSION_READ),
                outcome=outcome,
                before=int(before) if before.isdecimal() and len(before) < 19 else None,
                limit=ROWS_SHOWN + 1,
            )
        return console.show(
            request,
            "submissions.html",
            rows=listed[:ROWS_SHOWN],
            more=len(listed) > ROWS_SHOWN,
            outcome=outcome,
            outcomes=[str(one) for one in Outcome],
        )

    @console.get("/submissions/{tcn}", needs=Action.SUBMISSION_READ)
    def submission(request: Request) -> Response:
        row = found(request, Action.SUBMISSION_READ)
        account = signed_in(request)
        console.looked(
            account, Action.SUBMISSION_READ, purpose="console: why it was searched", subject=row.tcn
        )
        replayed = None
        try:
            with database.read() as session:
                replayed = why(session, row.tcn, now=now())
        except UnknownSubmission:  # one from before there were rules
            pass
        reply = store.reply_to(row.tcn)
        how_far = reach(account, Action.SUBMISSION_READ)
        return console.show(
            request,
            "submission.html",
            row=row,
            why=replayed,
            # Who may see one repository only sees what was decided for that one.
            repositories=[
                one
                for one in (replayed.repositories if replayed is not None else ())
                if how_far.everywhere or how_far.covers(one.repository, row.ori)
            ],
            # Colours are for those who look at candidates: the desk is told what the reply says, and no more.
            searches=[
                one
                for one in store.searches(row.tcn)
                if permitted(account, Action.CANDIDATE_EXPLAIN, repository=one.repository)
            ],
            reply=_reply_facts(reply.payload) if reply is not None else None,
            may_redeliver=row.outcome == Outcome.FAILED
            and permitted(account, Action.SUBMISSION_REDELIVER, ori=row.ori),
        )

    @console.post("/submissions/{tcn}/redeliver", needs=Action.SUBMISSION_REDELIVER)
    def redeliver(request: Request) -> Response:
        row = found(request, Action.SUBMISSION_REDELIVER)
        # It is decided anew for every repository: not for who may see one of them only.
        account = require(request, Action.SUBMISSION_REDELIVER, ori=row.ori)
        back = f"/submissions/{quote(row.tcn, safe='')}"
        if not store.redeliver(row.tcn):
            return console.go(request, back, bad="It was not given up, so there is nothing to send again.")
        with database.write() as session:
            record(
                session,
                Action.SUBMISSION_REDELIVER,
                actor=account.name,
                role=account.acting_as,
                purpose="redelivery",
                subject=row.tcn,
            )
        return console.go(
            request, back, good="It is in the queue again: it will be decided and searched anew."
        )


def _reply_facts(payload: bytes) -> dict[str, Any]:
    """What the reply says, as far as it can be read here; sealed ones cannot."""
    try:
        tree: object = json.loads(payload)
    except ValueError:
        return {}
    if not isinstance(tree, dict):
        return {}
    return tree
