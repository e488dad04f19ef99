"""Challenges: somebody says that an identification is wrong; while one is open, nothing of it is shared.

Somebody of the jail does not see what was identified: to challenge for a person who asks for it, the booking's TCN is
enough, once the jail was told that something was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher_service import notify
from matcher_service.accounts import Action, reach
from matcher_service.console import identification_rows
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import Card, asked, field, signed_in
from matcher_service.notify.parameters import MAX_GROUNDS, MAX_WORDS
from matcher_service.notify.words import ChallengeState, IdentificationState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console

_NO_TCN: Final = "There is nothing to challenge under this TCN among the bookings of your agency."


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages, each for itself
    """The pages under /challenges, and their card on the start page."""
    database = console.database

    @console.waiting
    def cards(account: Account) -> Iterator[Card]:
        within = reach(account, Action.CHALLENGE_CLOSE)
        if not within:
            return
        with database.read() as session:
            count = len(identification_rows.challenges(session, within, state=ChallengeState.OPEN))
        yield Card(
            title="Open challenges",
            count=count,
            words="Nothing of them is shared until you decide." if count else "Nobody challenges anything.",
            href="/challenges",
            urgent=bool(count),
        )

    @console.get(
        "/challenges", needs=(Action.CHALLENGE_OPEN, Action.CHALLENGE_CLOSE), menu="Challenges", place=28
    )
    def listed(request: Request) -> Response:
        account = signed_in(request)
        console.looked(account, Action.CHALLENGE_OPEN, purpose="console: list of challenges")
        with database.read() as session:
            rows = identification_rows.challenges(session, reach(account, Action.CHALLENGE_CLOSE))
        return console.show(
            request,
            "challenges.html",
            rows=rows,
            may_open=bool(reach(account, Action.CHALLENGE_OPEN)),
            may_close=bool(reach(account, Action.CHALLENGE_CLOSE)),
            tcn=asked(request, "tcn", most=64),
            most_words=MAX_WORDS,
            most_grounds=MAX_GROUNDS,
        )

    @console.post("/challenges", needs=Action.CHALLENGE_OPEN)
    def by_tcn(request: Request) -> Response:
        account, tcn = signed_in(request), field(request, "tcn", most=64)
        grounds = field(request, "grounds", most=MAX_GROUNDS)
        with database.write() as session:
            rows = [
                row
                for row in identification_rows.of_booking(session, tcn)
                if row.challenged_by(account) and row.state == IdentificationState.CONFIRMED
            ]
            for row in rows:
                notify.open_challenge(
                    session, row.id, by=account.name, grounds=grounds, role=account.acting_as, now=now()
                )
        if not rows:
            console.looked(
                account, Action.CHALLENGE_OPEN, purpose="redress", outcome="nothing to challenge", subject=tcn
            )
            return console.go(request, "/challenges", bad=_NO_TCN)
        return console.go(
            request, "/challenges", good="Challenged: nothing more is shared until somebody has decided."
        )

    @console.post("/challenges/{challenge}/close", needs=Action.CHALLENGE_CLOSE)
    def close(request: Request) -> Response:
        account, text, number = signed_in(request), request.path_params["challenge"], None
        if text.isascii() and text.isdigit() and len(text) <= 18:
            within = reach(account, Action.CHALLENGE_CLOSE)
            with database.read() as session:
                rows = identification_rows.challenges(session, within)
            number = next((one.id for one in rows if one.id == int(text)), None)
        if number is None:
            raise NotThere("There is no challenge of this number among those that you may decide.")
        verdict = field(request, "verdict", most=8)
        words = field(request, "words", most=MAX_WORDS)
        if verdict not in {ChallengeState.UPHELD, ChallengeState.REJECTED}:
            return console.go(request, "/challenges", bad="Choose what you decide. Nothing was changed.")
        upheld = verdict == ChallengeState.UPHELD
        try:
            with database.write() as session:
                notify.close_challenge(
                    session,
                    number,
                    by=account.name,
                    upheld=upheld,
                    words=words,
                    role=account.acting_as,
                    now=now(),
                )
        except notify.NoticeRefused as error:
            return console.go(request, "/challenges", bad=f"Not done: {error}.")
        said = "Upheld, and taken back; who was told is told so." if upheld else "Rejected; it stands again."
        return console.go(request, "/challenges", good=said)
