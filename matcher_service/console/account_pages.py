"""Accounts, for administrators: who there is, with which roles; added, let in no more, helped back in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from matcher_service.accounts import AccountError, Action, Grant, Role
from matcher_service.accounts.authenticators import Authenticators
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.sessions import Sessions
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import field, fields, signed_in
from matcher_service.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts.directory import Person
    from matcher_service.accounts.key_file import Sealer
    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.console.pages import Console


def add_pages(  # noqa: C901 - a list of pages, each for itself
    console: Console, *, settings: AccountsSettings, sealer: Sealer, now: Callable[[], datetime]
) -> None:
    """The pages under /accounts."""
    database = console.database
    directory = Directory(database, now=now)
    authenticators = Authenticators(database, sealer=sealer, now=now)
    sessions = Sessions(database, settings=settings, now=now)

    def person(request: Request) -> Person:
        try:
            return directory.find(request.path_params["name"])
        except AccountError:
            raise NotThere("There is no account of this name.") from None

    def choices() -> list[str]:
        """All grants there could be, as `role` or `role:repository`."""
        names = Repositories(database).names()
        everywhere = [str(role) for role in Role if role is not Role.REPOSITORY_OWNER]
        return everywhere + [
            f"{role}:{name}" for role in Role for name in names if role is not Role.ADMINISTRATOR
        ]

    @console.get("/accounts", needs=Action.ACCOUNT_MANAGE, menu="Accounts", place=75)
    def accounts(request: Request) -> Response:
        console.looked(signed_in(request), Action.ACCOUNT_MANAGE, purpose="console: list of accounts")
        return console.show(request, "accounts.html", people=directory.all(), now=now())

    @console.get("/accounts/new", needs=Action.ACCOUNT_MANAGE)
    def new(request: Request) -> Response:
        return console.show(request, "account_new.html", choices=choices())

    @console.post("/accounts", needs=Action.ACCOUNT_MANAGE)
    def add(request: Request) -> Response:
        name = field(request, "name", most=40)
        first = directory.add(
            name,
            by=signed_in(request).name,
            grants=_grants(request, choices()),
            display_name=field(request, "display_name", most=120, needed=False),
            ori=field(request, "ori", most=9, needed=False).upper(),
        )
        return console.show(request, "first_password.html", name=name, password=first)

    @console.get("/accounts/{name}", needs=Action.ACCOUNT_MANAGE)
    def account(request: Request) -> Response:
        found = person(request)
        console.looked(
            signed_in(request), Action.ACCOUNT_MANAGE, purpose="console", subject=found.account.name
        )
        return console.show(
            request,
            "account.html",
            person=found,
            now=now(),
            choices=choices(),
            held=[
                one.role if one.repository is None else f"{one.role}:{one.repository}"
                for one in found.account.grants
            ],
            sessions=sessions.open_ones(found.account.name),
        )

    @console.post("/accounts/{name}/roles", needs=Action.ACCOUNT_MANAGE)
    def roles(request: Request) -> Response:
        name = person(request).account.name
        by = signed_in(request).name
        ori = field(request, "ori", most=9, needed=False).upper()
        grants = _grants(request, choices())
        if ori != person(request).account.ori:
            directory.set_ori(name, ori, by=by)
        directory.set_grants(name, grants, by=by)
        return console.go(request, _page_of(name), good="The roles count from now on.")

    @console.post("/accounts/{name}/state", needs=Action.ACCOUNT_MANAGE)
    def state(request: Request) -> Response:
        name = person(request).account.name
        by = signed_in(request).name
        what = field(request, "what", most=10)
        if what == "disable":
            ended = directory.disable(name, by=by)
            return console.go(
                request, _page_of(name), good=f"{name} is let in no more; {ended} sessions were ended."
            )
        if what == "enable":
            directory.enable(name, by=by)
            return console.go(request, _page_of(name), good=f"{name} may sign in again.")
        if what == "unlock":
            directory.unlock(name, by=by)
            return console.go(request, _page_of(name), good=f"The wrong tries of {name} are forgotten.")
        raise BadForm("what", "That cannot be done to an account.")

    @console.post("/accounts/{name}/reset-password", needs=Action.ACCOUNT_MANAGE)
    def reset_password(request: Request) -> Response:
        name = person(request).account.name
        first = directory.reset_password(name, by=signed_in(request).name)
        return console.show(request, "first_password.html", name=name, password=first)

    @console.post("/accounts/{name}/reset-totp", needs=Action.ACCOUNT_MANAGE)
    def reset_totp(request: Request) -> Response:
        name = person(request).account.name
        authenticators.reset(name, by=signed_in(request).name)
        return console.go(
            request, _page_of(name), good=f"{name} sets up another authenticator at the next sign-in."
        )


def _page_of(name: str) -> str:
    return f"/accounts/{quote(name, safe='')}"


def _grants(request: Request, known: list[str]) -> list[Grant]:
    made: list[Grant] = []
    for one in fields(request, "grants"):
        if one not in known:
            raise BadForm("grants", "There is no such role, or no such repository.")
        role, _, repository = one.partition(":")
        made.append(Grant(Role(role), repository or None))
    return made
