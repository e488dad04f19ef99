"""Sealed messages at the matcher: who may say what is settled here, before anything is read.

A submission is accepted when all of these agree: the topic that the broker let its sender write to, the device that
signed, its key in the register, the certificate that it names, and the agency (ORI) that it is registered for. What
goes down is sealed to the device and signed with the centre's keys that the device is known to have.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.certificates import read_certificate
from interchange.envelope import is_sealed, seal, unseal
from interchange.errors import EnvelopeError, MessageError
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import encode_message
from interchange.provisioning import SEAL_FIELD, NewCentreKeys
from interchange.statement import Statement
from interchange.topics import Down, down, parse
from matcher_service.repositories import KeyKind, RegistryState

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.lateness import Lateness
    from matcher_service.authority import Authority
    from matcher_service.authority.centre_keys import CentreKeyring
    from matcher_service.repositories import KeyRecord, Registration, Registry

log = logging.getLogger("matcher.sealing")

_INVITE = "ask the centre for a code, then run at the kiosk: edge-service provision CODE"


class SealRefused(MessageError):  # noqa: N818 - reads as what it is
    """A message whose seal is not accepted; its device keeps what is in it and may send it again.

    Attributes:
        answer_plain: that the answer has to be plain too, because its sender may be unable to open another.
    """

    def __init__(self, reason: str, *, answer_plain: bool = False) -> None:
        self.answer_plain = answer_plain
        super().__init__(SEAL_FIELD, reason[:300])


@dataclass(frozen=True, slots=True)
class Received:
    """The message itself; of a sealed one, its device's agency, what that has to learn, and how late it says it is.

    `signed` is the message as its device signed it, with the key `signer` (PEM): to be shown to others.
    """

    payload: bytes = field(repr=False)
    sealed: bool = False
    ori: str = ""
    behind: bool = False
    late: Lateness | None = None
    signed: bytes = field(default=b"", repr=False)
    signer: str = field(default="", repr=False)


class Seals:
    """See the module. Raises StoreError and AuthorityError for what fails."""

    def __init__(
        self,
        *,
        registry: Registry,
        keyring: CentreKeyring,
        authority: Authority,
        require_sealed: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._keyring = keyring
        self._authority = authority
        self._required = require_sealed
        self._now = now

    def open(self, topic: str, device: str, data: bytes) -> Received:
        """What `device` sent to `topic`, once everything agrees. Raises SealRefused."""
        registered = self._registry.find(device)
        if not is_sealed(data):
            return self._plain(device, registered, data)
        if registered is None:
            raise SealRefused(f"'{device}' is not registered here: {_INVITE}", answer_plain=True)
        if registered.state is not RegistryState.ACTIVE:
            raise SealRefused(f"'{device}' was revoked on {registered.revoked_at:%Y-%m-%d}: {_INVITE}")
        generations = self._keyring.generations
        signers = registered.all_of(KeyKind.SIGNING)
        try:
            opened = unseal(
                data,
                receiver=[one.sealing for one in generations],
                signers=[record.key for record in signers],
                context=topic,
            )
            statement = Statement.decode(opened.payload)
        except EnvelopeError as error:
            raise SealRefused(f"it was not accepted as {device}'s: {error.reason}") from None
        signer = next(record for record in signers if record.key.id == opened.signer)
        self._check(statement, registered, signer)
        if statement.centre != registered.centre_generation:
            self._registry.note_generation(device, statement.centre)
        return Received(
            statement.payload,
            sealed=True,
            ori=registered.ori,
            behind=statement.centre != generations[0].number,
            late=statement.late,
            signed=opened.signed,
            signer=signer.key.pem.decode("ascii"),
        )

    def sealed(self, message: Outgoing) -> Outgoing | None:
        """`message` to a device as it goes over the broker; None if there is nobody who may read it."""
        device = parse(message.topic).device
        registered = self._registry.find(device)
        if registered is None:
            return None if self._required else message
        keys = [k for k in registered.all_of(KeyKind.SEALING) if k.counts(self._now())]
        if registered.state is not RegistryState.ACTIVE or not keys:
            log.warning("not sent to a device that was revoked", extra=facts(device=device))
            return None
        payload = seal(
            message.payload,
            signer=self._keyring.known_to(registered.centre_generation).signing,
            receiver=keys[0].key,
            context=message.topic,
        )
        return replace(message, payload=payload)

    def is_behind(self, device: str) -> bool:
        """Whether `device` is registered and was last heard to use older keys of the centre."""
        registered = self._registry.find(device)
        return (
            registered is not None
            and registered.state is RegistryState.ACTIVE
            and registered.centre_generation != self._keyring.newest.number
        )

    def new_keys(self, device: str) -> Outgoing:
        """What tells `device` of the centre's newest keys, yet to be sealed."""
        payload = encode_message(NewCentreKeys(centre=self._keyring.newest.public))
        return Outgoing(topic=down(device, Down.COMMAND), payload=payload)

    def _plain(self, device: str, registered: Registration | None, data: bytes) -> Received:
        if registered is not None:
            raise SealRefused(
                f"'{device}' is registered here and has to seal what it sends; if it lost its keys, {_INVITE}",
                answer_plain=True,
            )
        if self._required:
            raise SealRefused(f"this centre reads sealed messages only: {_INVITE}", answer_plain=True)
        return Received(data)

    def _check(self, said: Statement, registered: Registration, signer: KeyRecord) -> None:
        """Everything that the device says of itself agrees with what is known of it."""
        name = registered.name
        if not signer.counts(self._now()):
            raise SealRefused(
                f"it was signed with a key that '{name}' gave up on {signer.retired_at:%Y-%m-%d}"
            )
        if said.device != name:
            raise SealRefused(f"it was signed as another device's, on the topic of '{name}'")
        if said.ori != registered.ori:
            raise SealRefused(
                f"the kiosk works for another agency than {registered.ori}, for which '{name}' is registered: {_INVITE}"
            )
        pem = self._authority.find(said.certificate)
        if pem is None:
            raise SealRefused("the certificate that it names was not made by this centre")
        certificate = read_certificate(pem)
        if (certificate.name, certificate.ori) != (name, registered.ori):
            raise SealRefused(f"the certificate that it names is not that of '{name}' for {registered.ori}")
        if self._authority.is_revoked_serial(certificate.serial):
            raise SealRefused(f"the certificate of '{name}' was revoked: {_INVITE}")
        if certificate.not_after < self._now():
            raise SealRefused(
                f"the certificate of '{name}' ran out on {certificate.not_after:%Y-%m-%d}: {_INVITE}"
            )
