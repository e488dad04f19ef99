"""What the owner of a repository decides about sharing: whose submissions are accepted, where red and yellow begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from interchange.charges import Transaction
from matcher_service.accounts import Action, permitted
from matcher_service.console.errors import BadForm
from matcher_service.console.pages import field, fields
from matcher_service.console.repository_desk import (
    SHARING,
    Typed,
    at,
    beside,
    choice,
    plain,
    repository_of,
    typed_in,
)
from matcher_service.repositories import Repositories
from matcher_service.retention import RetentionRefused, owners
from matcher_service.retention.parameters import MAX_WORDS
from matcher_service.routing import looking

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

KINDS: Final = {
    Transaction.CAR: "CAR: criminal, an answer is required",
    Transaction.CNA: "CNA: criminal, no answer is necessary",
    Transaction.RPIS: "RPIS: rapid search",
}
_MOST_DIGITS: Final = 10


def one_in(fpir: float | None) -> str:
    """A rate as a person reads it: "1 in 10,000"; "" for none."""
    return "" if fpir is None else f"1 in {round(1 / fpir):,}"


def add_pages(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    """The pages at /repositories/{repository}."""
    database = console.database

    def page(request: Request, typed: Typed | None = None) -> Response:
        account, name = repository_of(request, console, *SHARING)
        console.looked(account, Action.REPOSITORY_READ, purpose="console: a repository", repository=name)
        with database.read() as session:
            rules = owners.acceptances(session, name)
            users = owners.users_of(session, name)
            levels = owners.threshold_history(session, name)
            places = looking.places(session)
        newest: dict[str, owners.RepositoryRule] = {}
        for row, code in rules:
            newest.setdefault(code, row)
        own = levels[0] if levels else None
        return console.show(
            request,
            "repository.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            summary=next(one for one in Repositories(database).summaries() if one.name == name),
            users=users,
            rules=sorted(newest.items()),
            older=[(row, code) for row, code in rules if newest[code] is not row],
            levels=levels,
            red=one_in(own.red_fpir) if own else "",
            yellow=one_in(own.yellow_fpir) if own else "",
            red_default=one_in(settings.search.red_fpir),
            yellow_default=one_in(settings.search.yellow_fpir),
            one_in=one_in,
            kinds=KINDS,
            places=places,
            names={one.code: one.name for one in places},
            typed=typed or Typed(),
            most_words=MAX_WORDS,
            may_manage=permitted(account, Action.REPOSITORY_MANAGE, repository=name),
        )

    @console.get("/repositories/{repository}", needs=SHARING)
    def repository(request: Request) -> Response:
        return page(request)

    @console.post("/repositories/{repository}/acceptance", needs=Action.REPOSITORY_MANAGE)
    def accept(request: Request) -> Response:
        account, name = repository_of(request, console, Action.REPOSITORY_MANAGE)
        try:
            code = field(request, "jurisdiction", most=16, needed=False)
            what = choice(request, "accept", ("yes", "no"), "Choose whether they are accepted or refused.")
            with database.write() as session:
                version = owners.set_acceptance(
                    session, name, code, accept=what == "yes", transactions=fields(request, "transactions"),
                    reason=field(request, "reason", most=MAX_WORDS), by=account.name, role=account.acting_as,
                    now=now(),
                )  # fmt: skip
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, "acceptance", plain(error)))
        whom = code or "all jurisdictions"
        verb = "accepted" if what == "yes" else "refused"
        return console.go(
            request,
            at(name),
            good=f"From now on {whom} {'are' if not code else 'is'} {verb} (version {version}).",
        )

    @console.post("/repositories/{repository}/thresholds", needs=Action.REPOSITORY_MANAGE)
    def thresholds(request: Request) -> Response:
        account, name = repository_of(request, console, Action.REPOSITORY_MANAGE)
        try:
            with database.write() as session:
                owners.set_thresholds(
                    session, name, red_fpir=_rate(request, "red"), yellow_fpir=_rate(request, "yellow"),
                    reason=field(request, "reason", most=MAX_WORDS), by=account.name, role=account.acting_as,
                    now=now(),
                )  # fmt: skip
        except RetentionRefused as error:
            words = {
                "red_fpir": "Red has to be the rarer answer: write a larger number for red than for yellow, both from"
                " 2 to 1,000,000,000.",
                "yellow_fpir": "The number for yellow has to be from 2 to 1,000,000,000.",
            }.get(error.what, plain(error))
            return page(request, typed_in(request, "thresholds", words))
        except BadForm as error:
            return page(request, typed_in(request, "thresholds", plain(error)))
        return console.go(request, at(name), good="Entered. It counts within five seconds.")


def _rate(request: Request, name: str) -> float | None:
    """The form says "1 in so many"."""
    text = field(request, name, most=16, needed=False).replace(",", "").replace(" ", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0):
        raise BadForm(name, f"Write a whole number for {name}, such as 10000, or leave it empty")
    return 1 / int(text)
