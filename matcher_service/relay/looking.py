"""What this centre is to the one above it, for people: who it passes on as, and how long its certificate is good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.relay.errors import UpwardIdentityError
from matcher_service.relay.identity import UpwardIdentity
from matcher_service.relay.parameters import WARN_CERTIFICATE_DAYS

if TYPE_CHECKING:
    from datetime import datetime

    from matcher_service.relay.settings import RelaySettings


@dataclass(frozen=True, slots=True)
class Standing:
    """`relays` in words; `days_left` of the certificate, None where there is none that could be read."""

    relays: str
    days_left: int | None = None

    @property
    def soon(self) -> bool:
        """Whether somebody has to ask for another certificate."""
        return self.days_left is not None and self.days_left < WARN_CERTIFICATE_DAYS


def standing(settings: RelaySettings, *, now: datetime) -> Standing:
    """By the files of the identity as they are now."""
    if settings.identity is None:
        return Standing("no; [relay] identity is not set")
    try:
        identity = UpwardIdentity(settings.identity)
    except UpwardIdentityError as error:
        return Standing(f"no; {error}")
    left = (identity.certificate.not_after - now).days
    return Standing(f"as {identity.name} of {identity.ori}, to centre {identity.centre}", left)
