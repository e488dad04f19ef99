"""Certificates of deletion of a repository: listed, read, handed out as a file, and checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from matcher_service.auditing.keys import known_keys, signing_key
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.expunge_pages import COUNTED
from matcher_service.console.pages import field
from matcher_service.console.repository_desk import PROOF, Typed, beside, repository_of, typed_in
from matcher_service.retention import BadCertificate, RetentionRefused, certificates

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

_MOST_CERTIFICATE: Final = 48_000


def add_pages(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    """The pages under /repositories/{repository}/certificates."""
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
