"""Activations: proposed by one person, approved by another, switched off by anybody who may, at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from interchange.charges import CLEARED, ChargeClass, Disposition, Transaction
from matcher_service.accounts import Action, permitted, reach
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import asked, field, fields, require, signed_in
from matcher_service.repositories import Repositories
from matcher_service.routing import looking
from matcher_service.routing.conditions import Answer, BadCondition, conditions_of, in_words
from matcher_service.routing.entries import ActivationEntry, BadEntry, checked_activation, read_time
from matcher_service.routing.register import Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.routing.proposals import Proposal


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages, each for itself
    """Proposals and switching off."""
    database = console.database
    register = Register(database, now=now)

    @console.get("/activations/new", needs=Action.ACTIVATION_PROPOSE)
    def new(request: Request) -> Response:
        account = signed_in(request)
        with database.read() as session:
            places = looking.places(session)
        return console.show(
            request,
            "activation_new.html",
            places=places,
            repositories=[
                name
                for name in Repositories(database).names()
                if permitted(account, Action.ACTIVATION_PROPOSE, repository=name)
            ],
            jurisdiction=asked(request, "jurisdiction"),
            repository=asked(request, "repository"),
            today=f"{now():%Y-%m-%d}",
            transactions=list(Transaction),
            charges=list(ChargeClass),
            dispositions=[one for one in Disposition if one not in CLEARED],
            answers=[Answer.FIRST, Answer.SECOND],
        )

    @console.post("/activations", needs=Action.ACTIVATION_PROPOSE)
    def propose(request: Request) -> Response:
        repository = field(request, "repository", most=64)
        account = require(request, Action.ACTIVATION_PROPOSE, repository=repository)
        entry = _entry(request, repository)
        numbers = register.propose([entry], by=account, reason=field(request, "reason", most=200))
        return console.go(
            request,
            "/activations",
            good=f"Proposed as number {numbers[0]}. It holds once another person has approved it.",
        )

    @console.get("/activations", needs=Action.ACTIVATION_READ, menu="Activations", place=31)
    def proposals(request: Request) -> Response:
        account = signed_in(request)
        everything = asked(request, "all") == "yes"
        found = [
            one
            for one in register.proposals(waiting=not everything)
            if permitted(account, Action.ACTIVATION_APPROVE, repository=one.repository)
            or permitted(account, Action.ACTIVATION_PROPOSE, repository=one.repository)
            or one.proposed_by == account.name
        ]
        return console.show(
            request,
            "activations.html",
            rows=[
                (
                    one,
                    [(entry, in_words(entry.conditions)) for entry in one.entries],
                    one.state in {"open", "approved"}
                    and one.proposed_by != account.name
                    and permitted(account, Action.ACTIVATION_APPROVE, repository=one.repository),
                )
                for one in found
            ],
            everything=everything,
            may_propose=bool(reach(account, Action.ACTIVATION_PROPOSE)),
        )

    def proposal_of(request: Request) -> Proposal:
        number = request.path_params["number"]
        found = next((one for one in register.proposals(waiting=False) if str(one.id) == number), None)
        if found is None:
            raise NotThere("There is no proposal with this number.")
        return found

    @console.post("/activations/{number}/approve", needs=Action.ACTIVATION_APPROVE)
    def approve(request: Request) -> Response:
        found = proposal_of(request)
        account = require(request, Action.ACTIVATION_APPROVE, repository=found.repository)
        entered = register.approve(found.id, by=account)
        return console.go(
            request,
            "/activations",
            good=f"Approved: {', '.join(one.jurisdiction for one in entered)[:200]} for {found.repository}.",
        )

    @console.post("/activations/{number}/refuse", needs=Action.ACTIVATION_APPROVE)
    def refuse(request: Request) -> Response:
        found = proposal_of(request)
        account = require(request, Action.ACTIVATION_APPROVE, repository=found.repository)
        register.refuse(found.id, by=account, words=field(request, "words", most=200))
        return console.go(request, "/activations", good=f"Proposal {found.id} was refused.")

    @console.get("/jurisdictions/{code}/suspend/{repository}", needs=Action.ACTIVATION_SUSPEND)
    def ask_to_suspend(request: Request) -> Response:
        code, repository = request.path_params["code"], request.path_params["repository"]
        require(request, Action.ACTIVATION_SUSPEND, repository=repository)
        with database.read() as session:
            place = next((one for one in looking.places(session) if one.code == code), None)
            its = [
                one
                for one in (looking.history(session, jurisdiction=code) if place else [])
                if one.repository == repository
            ]
        if place is None or not its:
            raise NotThere("There is no such activation.")
        return console.show(request, "suspend.html", place=place, version=its[-1], state=its[-1].now(now()))

    @console.post("/jurisdictions/{code}/suspend/{repository}", needs=Action.ACTIVATION_SUSPEND)
    def suspend(request: Request) -> Response:
        code, repository = request.path_params["code"], request.path_params["repository"]
        account = require(request, Action.ACTIVATION_SUSPEND, repository=repository)
        done = register.suspend(code, repository, by=account.name, reason=field(request, "reason", most=300))
        back = f"/jurisdictions/{quote(code, safe='')}"
        if not done:
            return console.go(request, back, bad="It was switched off already.")
        return console.go(
            request, back, good=f"Switched off now: {repository} is not searched any more for {code}."
        )


def _entry(request: Request, repository: str) -> ActivationEntry:
    try:
        until = field(request, "until", most=32, needed=False)
        fingers = field(request, "min_fingers", most=2)
        conditions = conditions_of(
            {
                "transactions": fields(request, "transactions"),
                "charge_classes": fields(request, "charge_classes"),
                "dispositions": fields(request, "dispositions"),
                "notify_charge_classes": fields(request, "notify_charge_classes"),
                "notify_dispositions": fields(request, "notify_dispositions"),
                "min_fingers": int(fingers) if fingers.isdecimal() else fingers,
                "answer": field(request, "answer", most=10),
                "needs_second_examiner": bool(fields(request, "needs_second_examiner")),
                "images": bool(fields(request, "images")),
            }
        )
        return checked_activation(
            ActivationEntry(
                jurisdiction=field(request, "jurisdiction", most=16),
                repository=repository,
                from_at=_when("from", field(request, "from", most=32)),
                until_at=_when("until", until) if until else None,
                conditions=conditions,
                signed_by=field(request, "signed_by", most=200),
                document_sha256=field(request, "document_sha256", most=64).lower(),
                reason=field(request, "reason", most=200),
            )
        )
    except (BadEntry, BadCondition) as error:
        raise BadForm(error.field, f"{error.field.replace('_', ' ')}: {error.reason}.") from None


def _when(name: str, text: str) -> datetime:
    """A day that is today begins now: nothing is entered backwards."""
    when = read_time(name, text)
    present = datetime.now(UTC)
    return present if when.date() == present.date() and when < present else when
