"""The registrar's desk: codes are given out, kiosks come with them, are certified, come back for more, are shut out.

It joins the authority (certificates), the register (who, for whom, which keys) and the centre's keys. Every outcome is
in the audit: what is done in the transaction that does it (`Registry`), what is refused beside it.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from interchange.certificates import fingerprint, public_der
from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError
from interchange.logs import facts
from interchange.provisioning import Provisioned, Renewed
from interchange.provisioning_code import ProvisioningCode, secret_sha256
from matcher_service.auditing import shell
from matcher_service.authority import parameters
from matcher_service.authority.errors import BadRequest
from matcher_service.authority.requests import Role, read_request
from matcher_service.parameters import DESK
from matcher_service.repositories import KeyKind, NotAdmitted

if TYPE_CHECKING:
    from interchange.provisioning import BrokerAddress, ProvisionRequest, RenewalWanted
    from matcher_service.authority.authority import Authority
    from matcher_service.authority.centre_keys import CentreKeyring
    from matcher_service.repositories import Registry

log = logging.getLogger("matcher.registrar")

# A kiosk of such a name would share its certificates' name with a machine of the centre, and end them with its own.
CENTRES_OWN = frozenset({DESK, *Role})


class Registrar:
    """See the module. Raises NotAdmitted for what is refused, StoreError and AuthorityError for what fails."""

    def __init__(
        self, *, authority: Authority, registry: Registry, keyring: CentreKeyring, broker: BrokerAddress
    ) -> None:
        self._authority = authority
        self._registry = registry
        self._keyring = keyring
        self._broker = broker

    @property
    def root_pem(self) -> bytes:
        """The authority's certificate, which is no secret."""
        return self._authority.root_pem

    def invite(self, device: str, ori: str, *, valid: timedelta, by: str, replace: bool = False) -> str:
        """A one-time code for `device`; it is nowhere else."""
        if device in CENTRES_OWN or device.startswith(Role.MATCHER):
            raise NotAdmitted(
                "device", f"'{device}' is one of the centre's own names; give the kiosk another"
            )
        code = ProvisioningCode.make(fingerprint(self._authority.root_pem))
        try:
            self._registry.invite(
                code.secret_sha256, device=device, ori=ori, valid=valid, by=by, replace=replace
            )
        except NotAdmitted as error:
            self._registry.note("device.invite", actor=shell(by), outcome=error.outcome, device=device)
            raise
        log.info("device invited", extra=facts(device=device, ori=ori, by=by))
        return str(code)

    def provision(self, asked: ProvisionRequest, *, address: str) -> Provisioned:
        """Let the kiosk in that brings a code. `address` is where it calls from, for the audit."""
        try:
            keys = _keys(asked.signing, asked.sealing)
            _, key = read_request(asked.request.encode(), name="unnamed")
            newest = self._keyring.newest
            device, first = self._registry.redeem(
                secret_sha256(asked.secret),
                used_for=_digest(public_der(key), *(one.id for one in keys.values())),
                keys=keys,
                generation=newest.number,
            )
            certificate = self._certificate(device.name, device.ori, asked.request.encode(), alone=True)
        except (NotAdmitted, BadRequest) as error:
            outcome = error.outcome if isinstance(error, NotAdmitted) else "bad request"
            self.refused_to(address, outcome)
            raise
        if not first:
            self._registry.note(
                "device.provision",
                actor=f"device:{device.name}",
                outcome="answer repeated",
                device=device.name,
                address=address,
            )
        log.info("device provisioned", extra=facts(device=device.name, ori=device.ori, address=address))
        return Provisioned(
            name=device.name,
            ori=device.ori,
            certificate=certificate.decode("ascii"),
            ca=self._authority.root_pem.decode("ascii"),
            centre=newest.public,
            broker=self._broker,
        )

    def renew(self, asked: RenewalWanted) -> Renewed:
        """The next certificate and keys of a device that has proved who it is."""
        try:
            keys = _keys(asked.signing, asked.sealing)
            read_request(asked.request.encode(), name=asked.device)
            grace = timedelta(days=parameters.DEVICE_GRACE_DAYS)
            device, first = self._registry.renew(asked.device, keys, grace=grace)
            certificate = self._certificate(device.name, device.ori, asked.request.encode())
        except (NotAdmitted, BadRequest) as error:
            outcome = error.outcome if isinstance(error, NotAdmitted) else "bad request"
            self._note_renewal(asked.device, outcome)
            raise
        if not first:
            self._note_renewal(asked.device, "answer repeated")
        return Renewed(certificate=certificate.decode("ascii"))

    def revoke(self, device: str, *, by: str) -> int:
        """Shut a device out: at the matcher at once, at the broker once that has read the list. Its certificates."""
        try:
            self._registry.revoke(device, by=by)
        except NotAdmitted as error:
            self._registry.note("device.revoke", actor=shell(by), outcome=error.outcome, device=device)
            raise
        count = self._authority.revoke(device)
        self._registry.note(
            "device.revoke", actor=shell(by), outcome="on the list", device=device, certificates=count
        )
        return count

    def refused_to(self, address: str, outcome: str) -> None:
        """Record that somebody nobody knows was refused at the door, and where they called from."""
        self._registry.note(
            "device.provision", actor="system:provisioning", outcome=outcome, address=address[:64]
        )

    def _note_renewal(self, device: str, outcome: str) -> None:
        self._registry.note("device.renew", actor=f"device:{device}", outcome=outcome, device=device)

    def _certificate(self, name: str, ori: str, request: bytes, *, alone: bool = False) -> bytes:
        """The one that was made for this request already, or a new one; with `alone` all others end."""
        found = self._authority.find_for(name, request)
        if found is not None:
            return found
        if alone and self._authority.issued_to(name):
            revoked = self._authority.revoke(name)
            log.info("certificates of the device's past revoked", extra=facts(device=name, count=revoked))
        return self._authority.certify(request, role=Role.DEVICE, name=name, ori=ori)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _keys(signing: str, sealing: str) -> dict[KeyKind, PublicKey]:
    try:
        return {
            KeyKind.SIGNING: PublicKey.read(signing.encode()),
            KeyKind.SEALING: PublicKey.read(sealing.encode()),
        }
    except EnvelopeError as error:
        raise NotAdmitted("key", error.reason) from None
