"""One's own account: what is owed at the first sign-in, the password, the authenticator, signing out everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from matcher_service.accounts import AccountError, BadPassword
from matcher_service.accounts.authenticators import Authenticators
from matcher_service.accounts.delays import charge, give_back, lock
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.parameters import FREE_FAILURES
from matcher_service.accounts.sessions import OWES_PASSWORD, OWES_TOTP, Sessions
from matcher_service.console.errors import BadForm
from matcher_service.console.pages import OWING, field, session_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.console.pages import Console

_MOST_OF_A_PASSWORD = 1000


def add_pages(  # noqa: C901 - a list of pages, each for itself
    console: Console, *, settings: AccountsSettings, sealer: Sealer, now: Callable[[], datetime]
) -> None:
    """The pages under /own."""
    directory = Directory(console.database, now=now)
    authenticators = Authenticators(console.database, sealer=sealer, now=now)
    sessions = Sessions(console.database, settings=settings, now=now)

    def page(request: Request, *, problem: str = "", status: int = 200) -> Response:
        session = session_of(request)
        return console.show(
            request,
            "own.html",
            status=status,
            problem=problem,
            owes_password=OWES_PASSWORD in session.duties,
            owes_totp=OWES_TOTP in session.duties,
            person=directory.find(session.account.name),
            sessions=sessions.open_ones(session.account.name),
        )

    def renewed(request: Request, response: Response, *, end_others: bool) -> Response:
        """With another token, as a right was gained; the old one opens nothing."""
        session = session_of(request)
        fresh = sessions.renew(session.token)
        if fresh is None:
            console.cookies.forget(response, "session")
            return response
        if end_others:
            sessions.end_all(session.account.name, by=session.account.name, keep=fresh.token)
        console.cookies.set(response, "session", fresh.token)
        return response

    @console.get("/own", needs=OWING)
    def own(request: Request) -> Response:
        return page(request)

    @console.post("/own/password", needs=OWING)
    def password(request: Request) -> Response:
        form = request.scope["whorl.form"]
        old, new, again = (form.get(name, [""])[0] for name in ("old", "new", "again"))
        if max(len(old), len(new)) > _MOST_OF_A_PASSWORD:
            raise BadForm("new", "That is too long for a password.")
        if new != again:
            return page(request, problem="The new password was not typed the same way twice.", status=400)
        account = session_of(request).account
        # Whoever finds a console open does not get to try out its owner's password.
        tries = sealer.alias(f"own password {account.name}")
        with console.database.write() as session:
            wait = charge(session, tries, free=FREE_FAILURES, now=now())
        if wait:
            return page(
                request, problem=f"Too many tries. Wait {wait:.0f} seconds, then try again.", status=429
            )
        try:
            directory.change_password(account, old=old, new=new)
        except AccountError as error:
            return page(request, problem=str(error), status=400)
        except BadPassword as error:  # the new one is not good enough: nothing was guessed
            with console.database.write() as session:
                give_back(lock(session, tries))
            return page(request, problem=str(error), status=400)
        with console.database.write() as session:
            give_back(lock(session, tries))
        return renewed(request, console.go(request, "/own"), end_others=True)

    @console.post("/own/authenticator", needs=OWING)
    def begin(request: Request) -> Response:
        made = authenticators.begin(session_of(request).account)
        return console.show(
            request,
            "authenticator.html",
            qr=Markup(made.as_svg()),  # noqa: S704 - drawn by us
            secret=made.secret,
            problem="",
        )

    @console.post("/own/authenticator/confirm", needs=OWING)
    def confirm(request: Request) -> Response:
        try:
            codes = authenticators.confirm(session_of(request).account, field(request, "code", most=40))
        except AccountError as error:
            return console.show(
                request, "authenticator.html", status=400, qr="", secret="", problem=str(error)
            )
        return renewed(request, console.show(request, "recovery_codes.html", codes=codes), end_others=False)

    @console.post("/own/sign-out-everywhere", needs=OWING)
    def everywhere(request: Request) -> Response:
        session = session_of(request)
        ended = sessions.end_all(session.account.name, by=session.account.name, keep=session.token)
        return console.go(
            request, "/own", good=f"Signed out on {ended} other device{'' if ended == 1 else 's'}."
        )
