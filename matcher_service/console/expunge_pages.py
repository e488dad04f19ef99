"""Expungement: asked for by one person, agreed to by another, then carried out once, exactly; and what proves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from matcher_service.accounts import AccountError, Action, NotPermitted, permitted, reach, two_person
from matcher_service.auditing.keys import known_keys, signing_key
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import Card, field
from matcher_service.console.repository_desk import (
    EXPUNGING,
    PROOF,
    Typed,
    at,
    beside,
    plain,
    repository_of,
    typed_in,
)
from matcher_service.retention import BadCertificate, RetentionRefused, certificates
from matcher_service.retention.expunging import details_of, expunge, foreseen
from matcher_service.retention.gallery_files import Rid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request

    from matcher_service.accounts import Account
    from matcher_service.accounts.two_person import Request as Asked
    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

_MOST_TCNS: Final = 4000
_MOST_WORDS: Final = 200
_MOST_CERTIFICATE: Final = 48_000
COUNTED: Final = {
    "templates": "templates of prints",
    "encounters": "encounters (the times somebody was enrolled)",
    "submissions": "bookings",
    "identifications": "identifications taken back",
    "candidates": "candidates in searches that lose their identity",
    "reviews": "reviews that had nothing left to compare",
}


def add_pages(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    """The pages under /repositories/{repository}/expungements and /certificates."""
    _add_requests(console, settings=settings, now=now)
    _add_certificates(console, settings=settings, now=now)


def _add_requests(  # noqa: C901 - a list of pages, each for itself
    console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]
) -> None:
    database = console.database

    def all_of(repository: str) -> list[Asked]:
        with database.read() as session:
            found = two_person.requests(session, open_only=False, now=now())
        return [
            one for one in found if one.action == Action.EXPUNGE_REQUEST and one.repository == repository
        ]

    def one_of(request: Request, name: str) -> Asked:
        number = request.path_params["number"]
        found = next((one for one in all_of(name) if str(one.id) == number), None)
        if found is None:
            raise NotThere("There is no request of this number for this repository.")
        return found

    def page(request: Request, typed: Typed | None = None) -> Response:
        account, name = repository_of(request, console, *EXPUNGING)
        console.looked(account, Action.EXPUNGE_REQUEST, purpose="console: expungements", repository=name)
        return console.show(
            request,
            "expungements.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            rows=[(one, *_named(one)) for one in all_of(name)],
            may_ask=permitted(account, Action.EXPUNGE_REQUEST, repository=name),
            typed=typed or Typed(),
            most_words=_MOST_WORDS,
        )

    def one_page(request: Request, *, problem: str = "") -> Response:
        account, name = repository_of(request, console, *EXPUNGING)
        found = one_of(request, name)
        identity, tcns = _named(found)
        console.looked(
            account, Action.EXPUNGE_REQUEST, purpose="console: a request to expunge", repository=name,
            subject=f"request-{found.id}",
        )  # fmt: skip
        counts, hindrance = {}, ""
        if found.state in {"open", "approved"}:
            try:
                with database.write() as session:
                    counts = foreseen(session, repository=name, identity=identity, tcns=tcns)
            except RetentionRefused as error:
                hindrance = plain(error)
        return console.show(
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

    @console.get("/repositories/{repository}/expungements/{number}", needs=EXPUNGING)
    def expungement(request: Request) -> Response:
        return one_page(request)

    @console.post("/repositories/{repository}/expungements/{number}/approve", needs=Action.EXPUNGE_APPROVE)
    def approve(request: Request) -> Response:
        account, name = repository_of(request, console, Action.EXPUNGE_APPROVE)
        found = one_of(request, name)
        with database.write() as session:
            two_person.approve(session, found.id, by=account, now=now())
        return console.go(
            request, at(name, f"/expungements/{found.id}"), good="Agreed. It is not carried out yet: see below."
        )

    @console.post("/repositories/{repository}/expungements/{number}/refuse", needs=Action.EXPUNGE_APPROVE)
    def refuse(request: Request) -> Response:
        account, name = repository_of(request, console, Action.EXPUNGE_APPROVE)
        found = one_of(request, name)
        words = field(request, "words", most=_MOST_WORDS)
        with database.write() as session:
            two_person.refuse(session, found.id, by=account, words=words, now=now())
        return console.go(request, at(name, "/expungements"), good=f"Request {found.id} is refused.")

    @console.post("/repositories/{repository}/expungements/{number}/carry-out", needs=EXPUNGING)
    def carry_out(request: Request) -> Response:
        from matcher_service.service import gallery_folder

        account, name = repository_of(request, console, *EXPUNGING)
        found = one_of(request, name)
        if field(request, "sure", most=3, needed=False) != "yes":
            return one_page(request, problem="Nothing was destroyed: tick that it cannot be undone first.")
        identity, tcns = _named(found)
        try:
            done = expunge(
                database, repository=name, identity=identity, tcns=tcns, request=found.id, actor=account.name,
                key=signing_key(settings, database), galleries=gallery_folder(settings, database), now=now(),
            )  # fmt: skip
        except (RetentionRefused, AccountError) as error:
            return one_page(request, problem=f"Nothing was destroyed. {plain(error)}")
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


def _add_certificates(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    database = console.database

    def page(
        request: Request, *, checked: dict[str, Any] | None = None, typed: Typed | None = None
    ) -> Response:
        account, name = repository_of(request, console, *PROOF)
        console.looked(account, "retention.certificate", purpose="console: certificates", repository=name)
        with database.read() as session:
            rows = certificates.listed(session, name)
        return console.show(
            request,
            "certificates.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            rows=rows,
            checked=checked,
            typed=typed or Typed(),
            most=_MOST_CERTIFICATE,
        )

    def handed_out(request: Request) -> tuple[Account, str, str]:
        account, name = repository_of(request, console, *PROOF)
        try:
            with database.write() as session:
                text = certificates.hand_out(
                    session, request.path_params["certificate"], key=signing_key(settings, database),
                    known=known_keys(settings, database), by=account.name, role=account.acting_as, repository=name,
                    now=now(),
                )  # fmt: skip
        except RetentionRefused:
            raise NotThere("There is no certificate of this number for this repository.") from None
        return account, name, text

    @console.get("/repositories/{repository}/certificates", needs=PROOF)
    def listed(request: Request) -> Response:
        return page(request)

    @console.post("/repositories/{repository}/certificates/verify", needs=PROOF)
    def check(request: Request) -> Response:
        repository_of(request, console, *PROOF)
        try:
            text = field(request, "certificate", most=_MOST_CERTIFICATE)
            found = certificates.verify(text.encode(), known_keys(settings, database))
        except (BadCertificate, BadForm) as error:
            return page(request, typed=typed_in(request, "verify", f"Not genuine, or not whole: {error}."))
        return page(request, checked=found)

    @console.get("/repositories/{repository}/certificates/{certificate}", needs=PROOF)
    def certificate(request: Request) -> Response:
        account, name, text = handed_out(request)
        wrong = ""
        try:
            certificates.verify(text.encode(), known_keys(settings, database))
        except BadCertificate as error:
            wrong = str(error)
        content = json.loads(text)["content"]
        return console.show(
            request,
            "certificate.html",
            repository=name,
            tabs=beside(account, name),
            content=content,
            destroyed=[
                (COUNTED.get(kind, kind), count) for kind, count in content["destroyed"].items() if count
            ],
            wrong=wrong,
        )

    @console.get("/repositories/{repository}/certificates/{certificate}/file", needs=PROOF)
    def file(request: Request) -> Response:
        _, _, text = handed_out(request)
        number = json.loads(text)["content"]["number"]
        return Response(
            text,
            media_type="application/json",
            headers={
                "content-disposition": f'attachment; filename="certificate-{number}.json"',
                "cache-control": "no-store",
            },
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _named(one: Asked) -> tuple[str, list[str]]:
    """What a request is about: the identity ("" for none) and bookings."""
    return str(one.details.get("identity") or ""), str(one.details.get("tcns") or "").split()
