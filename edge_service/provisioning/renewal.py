"""The certificate's next one, in time and by itself, and the centre's new keys.

It goes over the broker, sealed, like everything else: the connection, the proof of who we are and the way to send it
again are there already, and a kiosk needs no second port open to the centre.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from edge_service.provisioning import parameters
from interchange.errors import EnvelopeError, MessageError
from interchange.logs import facts
from interchange.messages import decode_message, encode_message
from interchange.provisioning import NewCentreKeys, NotRenewed, RenewalWanted, Renewed, word_of

if TYPE_CHECKING:
    from edge_service.clock import Clock
    from edge_service.provisioning.identity import Identity, IdentityFolder

log = logging.getLogger("edge.renewal")

PURPOSE = "renewal"


class Renewal:
    """Looks after an identity; see the module."""

    def __init__(self, folder: IdentityFolder, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._ask_at = 0.0

    def due(self, identity: Identity) -> bytes | None:
        """The request for the next certificate, if it is time for it. Raises OSError, IdentityError."""
        now = self._clock.now().clock
        if self._folder.forget_previous(now=now):
            log.info("keys of the past erased", extra=facts(device=identity.name))
        left = identity.certificate.not_after - now
        if left > timedelta(days=parameters.RENEW_BEFORE_DAYS) or time.monotonic() < self._ask_at:
            return None
        self._ask_at = time.monotonic() + parameters.RENEW_AGAIN_S
        pending = self._folder.prepare(PURPOSE)
        log.info("asking for the next certificate", extra=facts(device=identity.name, days_left=left.days))
        return encode_message(
            RenewalWanted(
                device=identity.name,
                request=pending.request,
                signing=pending.signing,
                sealing=pending.sealing,
            )
        )

    def take(self, payload: bytes) -> None:
        """An order of the centre, unsealed. Raises MessageError, IdentityError, OSError."""
        now = self._clock.now().clock
        match word_of(payload, "command"):
            case "renewed":
                self._folder.renew(decode_message(Renewed, payload).certificate, now=now)
                self._ask_at = 0.0
                log.info("certificate renewed; it counts from the next connection on")
            case "not_renewed":
                reason = decode_message(NotRenewed, payload).reason
                self._folder.drop_pending()
                log.error("the centre does not renew the certificate", extra=facts(reason=reason))
            case "centre_keys":
                self._learn(decode_message(NewCentreKeys, payload))
            case word:
                raise MessageError("command", f"'{word[:20]}' is not known here; update the kiosk")

    def _learn(self, told: NewCentreKeys) -> None:
        try:
            if self._folder.learn(told.centre, now=self._clock.now().clock):
                log.info("the centre has new keys", extra=facts(generation=told.centre.generation))
        except EnvelopeError as error:
            raise MessageError("centre", error.reason) from None
