"""Kiosks: which there are, when they were last heard of, and shutting one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.accounts import Action
from matcher_service.auditing import record
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import field, signed_in
from matcher_service.repositories import Devices, Registry
from matcher_service.repositories.registry import RegistryState

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings


def add_pages(console: Console, *, settings: MatcherSettings) -> None:
    """The pages under /devices."""
    database = console.database
    registry = Registry(database)

    @console.get("/devices", needs=Action.DEVICE_MANAGE, menu="Kiosks", place=70)
    def devices(request: Request) -> Response:
        heard = {one.device: one for one in Devices(database).all()}
        registered = registry.all()
        known = {one.name for one in registered}
        return console.show(
            request,
            "devices.html",
            rows=[(one, heard.get(one.name)) for one in registered],
            strangers=[one for one in heard.values() if one.device not in known],
            invited=[one for one in registry.invitations() if one.used_at is None],
        )

    @console.get("/devices/{name}/revoke", needs=Action.DEVICE_MANAGE)
    def ask_to_revoke(request: Request) -> Response:
        found = registry.find(request.path_params["name"])
        if found is None or found.state is RegistryState.REVOKED:
            raise NotThere("There is no such kiosk that could be shut out.")
        return console.show(request, "device_revoke.html", device=found)

    @console.post("/devices/{name}/revoke", needs=Action.DEVICE_MANAGE)
    def revoke(request: Request) -> Response:
        account = signed_in(request)
        name = request.path_params["name"]
        reason = field(request, "reason", most=200)
        if field(request, "name", most=40) != name:
            raise BadForm("name", "Type the kiosk's name to shut it out. Nothing was done.")
        if registry.find(name) is None:
            raise NotThere("There is no such kiosk.")
        certificates = _revoke(console, settings, name, account.name)
        with database.write() as session:
            record(
                session,
                Action.DEVICE_MANAGE,
                actor=account.name,
                role=account.acting_as,
                purpose=reason,
                subject=name,
                details={"done": "revoke", "certificates": certificates},
            )
        return console.go(
            request, "/devices", good=f"{name} is shut out: what it sends is refused from now on."
        )


def _revoke(console: Console, settings: MatcherSettings, name: str, by: str) -> int:
    """How many certificates ended with it; the list of them is written where the broker's is taken from."""
    from matcher_service.authority.layout import publish_revocations
    from matcher_service.authority.office import open_office

    office = open_office(settings, console.database)
    if office is None:
        Registry(console.database).revoke(name, by=by)
        return 0
    count = office.registrar.revoke(name, by=by)
    assert settings.authority.folder is not None
    publish_revocations(settings.authority.folder)
    return count
