"""Identifications: what examiners confirmed; who was told; taking one back, and challenging one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from interchange.notices import Cause
from matcher_service import notify
from matcher_service.accounts import Action, reach
from matcher_service.console import identification_rows
from matcher_service.console.errors import NotThere
from matcher_service.console.notice_pages import held_words
from matcher_service.console.pages import asked, field, signed_in
from matcher_service.notify import looking
from matcher_service.notify.parameters import MAX_GROUNDS, MAX_WORDS
from matcher_service.notify.words import IdentificationState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.identification_rows import IdentificationRow
    from matcher_service.console.pages import Console

NOT_THERE: Final = "There is no identification of this number among those that you may see."
_PURPOSE: Final = "notification of subscribers"
_CAUSES: Final = {
    Cause.WRONG_HIT: "wrong hit: the prints are not of one person",
    Cause.DISMISSED: "dismissed: the charge was dismissed, or the person acquitted",
    Cause.WITHDRAWN: "withdrawn: the centre's own decision",
}


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages, each for itself
    """The pages under /identifications."""
    database = console.database

    def found(request: Request, action: Action) -> IdentificationRow:
        account, row = signed_in(request), None
        text = request.path_params["identification"]
        if text.isascii() and text.isdigit() and len(text) <= 18:
            with database.read() as session:
                row = identification_rows.find(session, int(text))
        if row is None:
            raise NotThere(NOT_THERE)
        if not row.allows(account, action):
            console.looked(account, action, purpose=_PURPOSE, outcome="refused", repository=row.repository)
            raise NotThere(NOT_THERE)
        return row

    @console.get("/identifications", needs=Action.IDENTIFICATION_READ, menu="Identifications", place=26)
    def identifications(request: Request) -> Response:
        account, state = signed_in(request), asked(request, "state")
        state = state if state in set(IdentificationState) else ""
        console.looked(account, Action.IDENTIFICATION_READ, purpose="console: list of identifications")
        with database.read() as session:
            rows = identification_rows.rows(session, reach(account, Action.IDENTIFICATION_READ), state=state)
        return console.show(
            request,
            "identifications.html",
            rows=rows,
            state=state,
            states=[str(one) for one in IdentificationState],
        )

    @console.get("/identifications/{identification}", needs=Action.IDENTIFICATION_READ)
    def identification(request: Request) -> Response:
        row = found(request, Action.IDENTIFICATION_READ)
        account = signed_in(request)
        console.looked(
            account, Action.IDENTIFICATION_READ, purpose=_PURPOSE, subject=row.tcn, repository=row.repository
        )
        with database.read() as session:
            told = looking.notices(
                session, identification_id=row.id, within=reach(account, Action.NOTIFICATION_READ)
            )
            challenges = identification_rows.challenges_of(session, row.id)
            taken_back = identification_rows.retraction_of(session, row.id)
        return console.show(
            request,
            "identification.html",
            row=row,
            told=[(one, held_words(one)) for one in told],
            challenges=challenges,
            taken_back=taken_back,
            causes=_CAUSES,
            may_retract=row.allows(account, Action.RETRACTION_MAKE),
            may_challenge=row.allows(account, Action.CHALLENGE_OPEN),
            # The grounds are for those who decide upon them.
            may_close=row.allows(account, Action.CHALLENGE_CLOSE),
            most_words=MAX_WORDS,
            most_grounds=MAX_GROUNDS,
        )

    @console.post("/identifications/{identification}/retract", needs=Action.RETRACTION_MAKE)
    def retract(request: Request) -> Response:
        row = found(request, Action.RETRACTION_MAKE)
        account, back = signed_in(request), f"/identifications/{row.id}"
        cause, words = field(request, "cause", most=32), field(request, "words", most=MAX_WORDS)
        # Expungement and challenges take back by themselves.
        if cause not in _CAUSES:
            return console.go(request, back, bad="Choose a cause. Nothing was taken back.")
        with database.write() as session:
            done = notify.retract(
                session, row.id, cause=cause, by=account.name, words=words, role=account.acting_as, now=now()
            )
        if done.already:
            return console.go(request, back, bad="It was taken back before; nothing was changed.")
        return console.go(
            request,
            back,
            good=f"Taken back. {done.told} who were told are told so now; {done.cancelled} never will be told.",
        )

    @console.post("/identifications/{identification}/challenge", needs=Action.CHALLENGE_OPEN)
    def challenge(request: Request) -> Response:
        row = found(request, Action.IDENTIFICATION_READ)
        if not row.allows(signed_in(request), Action.CHALLENGE_OPEN):
            raise NotThere(NOT_THERE)
        account, back = signed_in(request), f"/identifications/{row.id}"
        grounds = field(request, "grounds", most=MAX_GROUNDS)
        try:
            with database.write() as session:
                notify.open_challenge(
                    session, row.id, by=account.name, grounds=grounds, role=account.acting_as, now=now()
                )
        except notify.NoticeRefused as error:
            return console.go(request, back, bad=f"Not done: {error}.")
        return console.go(
            request, back, good="Challenged: nothing more of it is shared, and who was told is told to wait."
        )
