"""What two people decide: requests that wait for a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.accounts import TWO_PEOPLE, Action, permitted, two_person
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import SIGNED_IN, asked, field, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.accounts.two_person import Request as Asked
    from matcher_service.console.pages import Console

_DECIDING: tuple[Action, ...] = tuple(sorted(set(TWO_PEOPLE) | set(TWO_PEOPLE.values())))


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:
    """The pages under /requests."""
    database = console.database

    def concerns(account: Account, one: Asked) -> bool:
        where = one.repository or None
        return (
            one.requested_by == account.name
            or permitted(account, one.action, repository=where)
            or permitted(account, TWO_PEOPLE[one.action], repository=where)
        )

    def one_of(request: Request) -> Asked:
        with database.read() as session:
            found = two_person.requests(session, open_only=False, now=now())
        account = signed_in(request)
        for one in found:
            if str(one.id) == request.path_params["number"] and concerns(account, one):
                return one
        raise NotThere("There is no request with this number among those that you may see.")

    @console.get("/requests", needs=_DECIDING, menu="Requests", place=40)
    def requests(request: Request) -> Response:
        account = signed_in(request)
        everything = asked(request, "all") == "yes"
        with database.read() as session:
            found = two_person.requests(session, open_only=not everything, now=now())
        return console.show(
            request,
            "requests.html",
            everything=everything,
            rows=[
                (
                    one,
                    one.state == "open"
                    and one.requested_by != account.name
                    and permitted(account, TWO_PEOPLE[one.action], repository=one.repository or None),
                )
                for one in found
                if concerns(account, one)
            ],
        )

    @console.post("/requests/{number}/approve", needs=_DECIDING)
    def approve(request: Request) -> Response:
        one = one_of(request)
        with database.write() as session:
            two_person.approve(session, one.id, by=signed_in(request), now=now())
        return console.go(
            request, "/requests", good=f"Request {one.id} is approved; whoever asked can go on."
        )

    @console.post("/requests/{number}/refuse", needs=_DECIDING)
    def refuse(request: Request) -> Response:
        one = one_of(request)
        words = field(request, "words", most=200)
        with database.write() as session:
            two_person.refuse(session, one.id, by=signed_in(request), words=words, now=now())
        return console.go(request, "/requests", good=f"Request {one.id} is refused.")

    @console.post("/requests/{number}/withdraw", needs=SIGNED_IN)
    def withdraw(request: Request) -> Response:
        one = one_of(request)
        with database.write() as session:
            two_person.withdraw(session, one.id, by=signed_in(request), now=now())
        return console.go(request, "/requests", good=f"Request {one.id} is withdrawn.")
