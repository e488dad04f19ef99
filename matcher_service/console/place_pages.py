"""Jurisdictions: who shares what with which repository, how that came about, and the map of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from markupsafe import Markup

from matcher_service.accounts import Action, permitted
from matcher_service.console.errors import NotThere
from matcher_service.console.pages import asked, signed_in
from matcher_service.console.parameters import PLACES_SHOWN
from matcher_service.oversight.coverage import coverage
from matcher_service.oversight.pictures import coverage_map
from matcher_service.repositories import Repositories
from matcher_service.routing import NotInRegister, looking
from matcher_service.routing.conditions import in_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.routing.looking import VersionView

SHARING = ("active", "planned", "suspended", "ended", "over", "none")


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:
    """The pages under /jurisdictions. The register is public: nothing of a person is in it."""
    database = console.database

    def newest() -> dict[str, dict[str, VersionView]]:
        found: dict[str, dict[str, VersionView]] = defaultdict(dict)
        with database.read() as session:
            for one in looking.history(session):
                found[one.jurisdiction][one.repository] = one
        return found

    @console.get("/jurisdictions", needs=Action.ACTIVATION_READ, menu="Jurisdictions", place=30)
    def jurisdictions(request: Request) -> Response:
        at = now()
        text, state, sharing, repository = (
            asked(request, name) for name in ("text", "state", "sharing", "repository")
        )
        activations = newest()
        with database.read() as session:
            places = looking.places(session)
        kept = [
            one
            for one in places
            if (not text or text.lower() in f"{one.name} {one.code} {one.fips}".lower())
            and (not state or one.code[3:5] == state)
            and _shares(activations.get(one.code, {}), repository, sharing, at)
        ]
        page = max(1, int(number)) if (number := asked(request, "page", most=6)).isdecimal() else 1
        shown = kept[(page - 1) * PLACES_SHOWN : page * PLACES_SHOWN]
        return console.show(
            request,
            "jurisdictions.html",
            rows=[
                (one, [(it.repository, it.now(at)) for it in activations.get(one.code, {}).values()])
                for one in shown
            ],
            total=len(kept),
            number=page,
            more=len(kept) > page * PLACES_SHOWN,
            states=[one for one in places if one.kind == "state"],
            repositories=Repositories(database).names(),
            sharing_states=SHARING,
            text=text,
            state=state,
            sharing=sharing,
            repository=repository,
        )

    @console.get("/jurisdictions/map", needs=Action.ACTIVATION_READ)
    def the_map(request: Request) -> Response:
        with database.read() as session:
            found = coverage(session, now=now())
        names = sorted({one.repository for one in found})
        maps = [
            (
                name,
                Markup(coverage_map([one for one in found if one.repository == name], name)),  # noqa: S704 - drawn by us
                [one for one in found if one.repository == name and one.active],
            )
            for name in names
        ]
        return console.show(request, "map.html", maps=maps)

    @console.get("/jurisdictions/{code}", needs=Action.ACTIVATION_READ)
    def jurisdiction(request: Request) -> Response:
        account = signed_in(request)
        code = request.path_params["code"]
        at = now()
        with database.read() as session:
            place = next((one for one in looking.places(session) if one.code == code), None)
            if place is None:
                raise NotThere("The register has no such jurisdiction.")
            try:
                versions = looking.history(session, jurisdiction=code)
            except NotInRegister:
                versions = []
            agencies = [one for one in looking.agencies(session) if one.jurisdiction == code]
        last = {one.repository: one for one in versions}
        return console.show(
            request,
            "jurisdiction.html",
            place=place,
            agencies=agencies,
            current=[
                (
                    one,
                    one.now(at),
                    in_words(one.conditions),
                    permitted(account, Action.ACTIVATION_SUSPEND, repository=one.repository),
                )
                for one in last.values()
            ],
            versions=[(one, in_words(one.conditions)) for one in reversed(versions)],
            may_propose=[
                name
                for name in Repositories(database).names()
                if permitted(account, Action.ACTIVATION_PROPOSE, repository=name)
            ],
        )


def _shares(its: dict[str, VersionView], repository: str, sharing: str, at: datetime) -> bool:
    if not sharing and not repository:
        return True
    states = {one.now(at) for name, one in its.items() if not repository or name == repository}
    if not sharing:
        return bool(states)
    return not states if sharing == "none" else sharing in states
