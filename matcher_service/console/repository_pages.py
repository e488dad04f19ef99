"""Repositories: whose they are, how much is in them, who shares with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from matcher_service.accounts import Action, reach
from matcher_service.console.pages import signed_in
from matcher_service.repositories import Repositories
from matcher_service.repositories.routing_tables import Activation, ActivationVersion
from matcher_service.repositories.schema import Repository, SearchRecord

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console


def add_pages(console: Console) -> None:
    """The page at /repositories."""
    database = console.database

    @console.get(
        "/repositories",
        needs=(Action.REPOSITORY_READ, Action.REPOSITORY_MANAGE),
        menu="Repositories",
        place=35,
    )
    def repositories(request: Request) -> Response:
        account = signed_in(request)
        console.looked(account, Action.REPOSITORY_READ, purpose="console: list of repositories")
        reads, manages = reach(account, Action.REPOSITORY_READ), reach(account, Action.REPOSITORY_MANAGE)
        newest = (
            select(ActivationVersion.activation_id, func.max(ActivationVersion.version).label("version"))
            .group_by(ActivationVersion.activation_id)
            .subquery()
        )
        states = (
            select(Repository.name, ActivationVersion.state, func.count())
            .join(Activation, Activation.id == ActivationVersion.activation_id)
            .join(Repository, Repository.id == Activation.repository_id)
            .join(
                newest,
                (newest.c.activation_id == ActivationVersion.activation_id)
                & (newest.c.version == ActivationVersion.version),
            )
            .group_by(Repository.name, ActivationVersion.state)
        )
        searches = (
            select(Repository.name, func.count().label("searches"))
            .join(SearchRecord, SearchRecord.repository_id == Repository.id)
            .group_by(Repository.name)
        )
        with database.read() as session:
            sharing: dict[str, dict[str, int]] = {}
            for name, state, count in session.execute(states):
                sharing.setdefault(name, {})[state] = count
            searched = {one.name: one.searches for one in session.execute(searches)}
        rows = [
            (one, sharing.get(one.name, {}), searched.get(one.name, 0))
            for one in Repositories(database).summaries()
            if reads.covers(one.name, None) or manages.covers(one.name, None)
        ]
        return console.show(request, "repositories.html", rows=rows)
