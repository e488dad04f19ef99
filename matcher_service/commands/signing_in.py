"""Signing in at the machine's shell, for the commands that only some people may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from interchange.command_line import fail
from matcher_service.commands.shared import who

if TYPE_CHECKING:
    from matcher_service.accounts import Account
    from matcher_service.accounts.sessions import Session
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


def shell_actor() -> str:
    """Whoever has this machine's shell, as the audit names them."""
    from matcher_service.auditing import shell

    return shell(who())


def administrator(settings: MatcherSettings, database: Database, name: str, emergency: str) -> str:
    """Who does it, for the audit: an administrator who has signed in now, or whoever has this machine."""
    from matcher_service.accounts import Action, require
    from matcher_service.auditing import note

    if emergency:
        note(database, "account.emergency", actor=shell_actor(), purpose=emergency)
        return shell_actor()
    if not name:
        fail("an administrator has to do this: --as NAME; if there is none any more, --emergency WHY")
    with SignedIn(settings, database, name) as account:
        require(account, Action.ACCOUNT_MANAGE)
    return account.name


class SignedIn:
    """An account for a few lines: its session ends with them."""

    def __init__(self, settings: MatcherSettings, database: Database, name: str) -> None:
        password = typer.prompt(f"Password of {name}", hide_input=True, err=True)
        code = typer.prompt("Code of the authenticator", default="", show_default=False, err=True)
        self._session = sign_in(settings, database, name, password, code)
        if self._session.duties:
            fail(f"{name}: has to do this first: matcher-service accounts enrol {name}")
        from matcher_service.accounts.sessions import Sessions

        self._sessions = Sessions(database, settings=settings.accounts)

    def __enter__(self) -> Account:
        return self._session.account

    def __exit__(self, *_: object) -> None:
        self._sessions.end(self._session.token)


def sign_in(settings: MatcherSettings, database: Database, name: str, password: str, code: str) -> Session:
    """A session, or a message and exit code 1."""
    from matcher_service.accounts.key_file import sealer_of
    from matcher_service.accounts.signing_in import Refusal, SignIn

    door = SignIn(database, settings=settings.accounts, sealer=sealer_of(settings.accounts, database))
    done = door.sign_in(name, password, code, source="shell")
    if isinstance(done, Refusal):
        fail(done.words)
    return done
