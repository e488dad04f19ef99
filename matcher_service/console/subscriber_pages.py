"""Subscribers: the agencies that are told, and of what; ending a subscription, disabling one altogether.

New ones come by the command line, with their keys: matcher-service subscribers add.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matcher_service.accounts import Action, permitted, reach, require
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import field, signed_in
from matcher_service.notify.subscribers import Subscribers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.accounts.key_file import Sealer
    from matcher_service.console.pages import Console
    from matcher_service.notify.subscribers import KnownSubscriber


def add_pages(console: Console, *, sealer: Sealer, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages, each for itself
    """The pages under /subscribers."""
    known = Subscribers(console.database, sealer=lambda: sealer, now=now)

    def seen_by(account: Account) -> list[KnownSubscriber]:
        """Whoever may manage one repository sees who is told of that one."""
        within = reach(account, Action.SUBSCRIBER_MANAGE)
        if within.everywhere:
            return known.all()
        theirs = [
            replace(
                one,
                subscriptions=tuple(s for s in one.subscriptions if s.repository in within.repositories),
            )
            for one in known.all()
        ]
        return [one for one in theirs if one.subscriptions]

    def found(request: Request) -> KnownSubscriber:
        name = request.path_params["name"]
        one = next((one for one in seen_by(signed_in(request)) if one.name == name), None)
        if one is None:
            raise NotThere("There is no subscriber of this name among those that you may manage.")
        return one

    @console.get("/subscribers", needs=Action.SUBSCRIBER_MANAGE, menu="Subscribers", place=29)
    def subscribers(request: Request) -> Response:
        account = signed_in(request)
        return console.show(
            request,
            "subscribers.html",
            rows=seen_by(account),
            may_disable=permitted(account, Action.SUBSCRIBER_MANAGE),
        )

    @console.post("/subscribers/{name}/state", needs=Action.SUBSCRIBER_MANAGE)
    def state(request: Request) -> Response:
        one = found(request)
        # It ends in all repositories at once, so it takes the right to all of them.
        account = signed_in(request)
        require(account, Action.SUBSCRIBER_MANAGE)
        what = field(request, "what", most=8)
        if what not in {"disable", "enable"}:
            raise BadForm("what", "Choose whether it is told or not.")
        known.set_active(one.name, active=what == "enable", by=account.name, role=account.acting_as)
        if what == "enable":
            return console.go(request, "/subscribers", good=f"{one.name} is told again.")
        return console.go(
            request, "/subscribers",
            good=f"{one.name} is told of no hit any more. What it was told before is still taken back and corrected.",
        )  # fmt: skip

    @console.post("/subscribers/{name}/end", needs=Action.SUBSCRIBER_MANAGE)
    def end(request: Request) -> Response:
        one = found(request)
        account, repository = signed_in(request), field(request, "repository", most=64)
        require(account, Action.SUBSCRIBER_MANAGE, repository=repository)
        place = field(request, "jurisdiction", most=16, needed=False)
        done = known.unsubscribe(one.name, repository, place, by=account.name, role=account.acting_as)
        if not done:
            return console.go(request, "/subscribers", bad="It was not subscribed to that any more.")
        return console.go(request, "/subscribers", good=f"{one.name} is told no more of {repository}.")
