"""Expungement: asked for by one person, agreed to by another, then carried out once, exactly; and what proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher_service.accounts import AccountError, Action, NotPermitted, permitted, reach, two_person
from matcher_service.auditing.keys import signing_key
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import Card, field
from matcher_service.console.repository_desk import (
    EXPUNGING,
    Typed,
    at,
    beside,
    plain,
    repository_of,
    typed_in,
)
from matcher_service.retention import RetentionRefused
from matcher_service.retention.expunging import details_of, expunge, foreseen
from matcher_service.retention.gallery_files import Rid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.accounts.two_person import Request as Asked
    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

_MOST_TCNS: Final = 4000
_MOST_WORDS: Final = 200
COUNTED: Final = {
    "templates": "templates of prints",
    "encounters": "encounters (the times somebody was enrolled)",
    "submissions": "bookings",
    "identifications": "identifications taken back",
    "candidates": "candidates in searches that lose their identity",
    "reviews": "reviews that had nothing left to compare",
}


def add_pages(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    """The pages under /repositories/{repository}/expungements."""
    desk = _Desk(console, now)
    _add_asking(console, desk, now)
    _add_deciding(console, desk, settings=settings, now=now)
    _add_card(console, now)


class _Desk:
    """The requests of a repository, and the page of one."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._console = console
        self._database = console.database
        self._now = now

    def all_of(self, repository: str) -> list[Asked]:
        """The newest first."""
        with self._database.read() as session:
            found = two_person.requests(session, open_only=False, now=self._now())
        return [one for one in found if one.action == Action.EXPUNGE_REQUEST and one.repository == repository]

    def one_of(self, request: Request, name: str) -> Asked:
        """The one in the address. Raises NotThere."""
        number = request.path_params["number"]
        found = next((one for one in self.all_of(name) if str(one.id) == number), None)
        if found is None:
            raise NotThere("There is no request of this number for this repository.")
        return found

    def page(self, request: Request, *, problem: str = "") -> Response:
        """One request, with what would be destroyed as of now."""
        account, name = repository_of(request, self._console, *EXPUNGING)
        found = self.one_of(request, name)
        identity, tcns = _named(found)
        self._console.looked(
            account, Action.EXPUNGE_REQUEST, purpose="console: a request to expunge", repository=name,
            subject=f"request-{found.id}",
        )  # fmt: skip
        counts, hindrance = {}, ""
        if found.state in {"open", "approved"}:
            try:
                with self._database.write() as session:
                    counts = foreseen(session, repository=name, identity=identity, tcns=tcns)
            except RetentionRefused as error:
                hindrance = plain(error)
        return self._console.show(
            request,
            "expungement.html",
            status=409 if problem else 200,
            repository=name,
            tabs=beside(account, name),
            one=found,
            identity=identity,
            tcns=tcns,
            counts=[(COUNTED.get(kind, kind), count) for kind, count in counts.items() if count],
            hindrance=hindrance,
            problem=problem,
            mine=found.requested_by == account.name,
            may_decide=permitted(account, Action.EXPUNGE_APPROVE, repository=name),
            most_words=_MOST_WORDS,
        )


def _add_asking(console: Console, desk: _Desk, now: Callable[[], datetime]) -> None:
    database = console.database

    def page(request: Request, typed: Typed | None = None) -> Response:
        account, name = repository_of(request, console, *EXPUNGING)
        console.looked(account, Action.EXPUNGE_REQUEST, purpose="console: expungements", repository=name)
        return console.show(
            request,
            "expungements.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            rows=[(one, *_named(one)) for one in desk.all_of(name)],
            may_ask=permitted(account, Action.EXPUNGE_REQUEST, repository=name),
            typed=typed or Typed(),
            most_words=_MOST_WORDS,
        )

    @console.get("/repositories/{repository}/expungements", needs=EXPUNGING)
    def expungements(request: Request) -> Response:
        return page(request)

    @console.post("/repositories/{repository}/expungements", needs=Action.EXPUNGE_REQUEST)
    def ask(request: Request) -> Response:
        account, name = repository_of(request, console, Action.EXPUNGE_REQUEST)
        try:
            identity = field(request, "identity", most=64, needed=False).lower()
            tcns = field(request, "tcns", most=_MOST_TCNS, needed=False).replace(",", " ").split()
            details = details_of(identity, tcns)
            reason = field(request, "reason", most=_MOST_WORDS)
            with database.write() as session:
                # Asked now, so that nobody agrees to what cannot be done.
                foreseen(session, repository=name, identity=identity, tcns=tcns)
                number = two_person.propose(
                    session, Action.EXPUNGE_REQUEST, by=account, details=details, reason=reason, repository=name,
                    now=now(),
                )  # fmt: skip
        except NotPermitted:
            raise
        except (RetentionRefused, AccountError, BadForm) as error:
            return page(request, typed_in(request, "ask", plain(error)))
        return console.go(
            request,
            at(name, f"/expungements/{number}"),
            good=f"Request {number} waits for a second person. Nothing is destroyed yet.",
        )


def _add_deciding(
    console: Console, desk: _Desk, *, settings: MatcherSettings, now: Callable[[], datetime]
) -> None:
    database = console.database

    @console.get("/repositories/{repository}/expungements/{number}", needs=EXPUNGING)
    def expungement(request: Request) -> Response:
        return desk.page(request)

    @console.post("/repositories/{repository}/expungements/{number}/approve", needs=Action.EXPUNGE_APPROVE)
    def approve(request: Request) -> Response:
        account, name = repository_of(request, console, Action.EXPUNGE_APPROVE)
        found = desk.one_of(request, name)
        with database.write() as session:
            two_person.approve(session, found.id, by=account, now=now())
        return console.go(
            request,
            at(name, f"/expungements/{found.id}"),
            good="Agreed. It is not carried out yet: see below.",
        )

    @console.post("/repositories/{repository}/expungements/{number}/refuse", needs=Action.EXPUNGE_APPROVE)
    def refuse(request: Request) -> Response:
        account, name = repository_of(request, console, Action.EXPUNGE_APPROVE)
        found = desk.one_of(request, name)
        words = field(request, "words", most=_MOST_WORDS)
        with database.write() as session:
            two_person.refuse(session, found.id, by=account, words=words, now=now())
        return console.go(request, at(name, "/expungements"), good=f"Request {found.id} is refused.")

    @console.post("/repositories/{repository}/expungements/{number}/carry-out", needs=EXPUNGING)
    def carry_out(request: Request) -> Response:
        from matcher_service.service import gallery_folder

        account, name = repository_of(request, console, *EXPUNGING)
        found = desk.one_of(request, name)
        if field(request, "sure", most=3, needed=False) != "yes":
            return desk.page(request, problem="Nothing was destroyed: tick that it cannot be undone first.")
        identity, tcns = _named(found)
        try:
            done = expunge(
                database, repository=name, identity=identity, tcns=tcns, request=found.id, actor=account.name,
                key=signing_key(settings, database), galleries=gallery_folder(settings, database), now=now(),
            )  # fmt: skip
        except (RetentionRefused, AccountError) as error:
            return desk.page(request, problem=f"Nothing was destroyed. {plain(error)}")
        files = {
            Rid.RUNNING: " The matcher rids its files of it within seconds.",
            Rid.FAILED: " The matcher's files could not be cleared; it does that at its next start.",
        }.get(done.files, "")
        return console.go(
            request,
            at(name, f"/certificates/{done.certificate}"),
            good=f"Destroyed: {_many(done.templates, 'template')} and {_many(done.submissions, 'booking')};"
            f" {_many(done.retracted, 'identification')} taken back.{files}",
        )


def _add_card(console: Console, now: Callable[[], datetime]) -> None:
    database = console.database

    @console.waiting
    def agreed(account: Account) -> Iterator[Card]:
        if not reach(account, Action.EXPUNGE_APPROVE):
            return
        with database.read() as session:
            found = two_person.requests(session, now=now())
        mine = [
            one
            for one in found
            if one.action == Action.EXPUNGE_REQUEST
            and one.state == "approved"
            and permitted(account, Action.EXPUNGE_APPROVE, repository=one.repository)
        ]
        if mine:
            yield Card(
                title="Expungements to carry out",
                count=len(mine),
                words="Two people agreed. Each has to be done within 24 hours, or asked for again.",
                href=at(mine[0].repository, f"/expungements/{mine[0].id}"),
                urgent=True,
            )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _named(one: Asked) -> tuple[str, list[str]]:
    """What a request is about: the identity ("" for none) and bookings."""
    return str(one.details.get("identity") or ""), str(one.details.get("tcns") or "").split()
