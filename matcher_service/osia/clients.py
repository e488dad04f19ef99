"""Who asks, and what it may: the settings say so, and nobody else has any right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher_service.auditing import record
from matcher_service.osia.errors import OsiaRefusal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.osia.settings import OsiaClient, OsiaSettings


class Clients:
    """Those of the settings, by the names of their tokens."""

    def __init__(self, settings: OsiaSettings) -> None:
        self._clients = {one.token: one for one in settings.clients}

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self._clients)

    def asking(self, token: str, scope: str) -> OsiaClient:
        """Who asks, if it may. Raises OsiaRefusal."""
        client = self._clients.get(token)
        if client is None or scope not in client.scopes:
            raise OsiaRefusal(403, f"this token has no right {scope}; name it in its osia.clients")
        return client

    def get(self, token: str) -> OsiaClient | None:
        """The client, if there still is such a one."""
        return self._clients.get(token)


def may_be_told(client: OsiaClient) -> bool:
    """Whether anything of bookings may be told to it at all."""
    return "notif.sub.write" in client.scopes and bool(client.jurisdictions)


def note(
    session: Session,
    action: str,
    client: OsiaClient,
    subject: str,
    **details: float | bool | str,
) -> None:
    """Into the audit, in the transaction of what it tells of."""
    record(
        session,
        action,
        actor=f"system:osia/{client.token}",
        purpose=client.purpose,
        subject=subject,
        repository=client.repository,
        details=details,
    )
