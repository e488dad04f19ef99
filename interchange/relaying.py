"""A submission that one centre passes on to the next above it: kiosk, state bureau, centre.

The state opens what the kiosk sealed, decides by its own rules, and seals anew to the centre above as a device of that
centre. What it seals is this: the kiosk's signed statement exactly as it came, and the state's word about it. So nobody
on the way can change a booking, and the one at the end can tell by whom it was signed, and by which centres it came.
Where a submission passes several, one lies in the other. As CBOR (RFC 8949):

    ["relayed", 1, attestation, signed]

`attestation` is the JSON of an `Attestation`, whose `signer` is the public key with which the relay has verified
`signed`: the COSE_Sign1 of `envelope`, around a `Statement`, for the topic ``fp/v1/{sender}/up/submission``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, cast

from pydantic import StringConstraints

from interchange.certificates import fingerprint
from interchange.envelope import check_signed
from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError, MessageError
from interchange.fields import DeviceName, Instant, Message, Tcn
from interchange.messages import MAX_PAYLOAD_BYTES, MESSAGE_VERSION, Version, decode_message, encode_message
from interchange.provisioning import Ori, Pem  # noqa: TC001 - pydantic reads them at run time
from interchange.statement import Statement
from interchange.topics import Up, up

RELAY_FIELD: Final = "relay"
"""The field that a refusal names when the relay has no right to a good booking: it keeps it, and asks again."""

MAX_HOPS: Final = 3
"""Centres below the one that reads: county, state, region. More is a ring, or a mistake."""

_WORD, _FORMAT, _PARTS = "relayed", 1, 4
# The first bytes of every one: a list of four, and the word. JSON never begins so.
_BEGINS = b"\x84\x67relayed"

CentreId = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{16}\z")]


class Attestation(Message):
    """What a relay says of a submission that it passes on. `sender` is who brought it: a kiosk, or a relay below."""

    relay: DeviceName
    centre: CentreId
    tcn: Tcn
    sender: DeviceName
    ori: Ori
    signer: Pem
    received_at: Instant


@dataclass(frozen=True, slots=True)
class Relayed:
    """An attestation and what it speaks of, as they travel. Nothing of it is checked yet; see `follow`."""

    attestation: Attestation
    signed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """For a statement."""
        import cbor2

        return cbor2.dumps([_WORD, _FORMAT, encode_message(self.attestation), self.signed])

    @classmethod
    def decode(cls, data: bytes) -> Relayed:
        """Raises MessageError."""
        import cbor2

        try:
            tree: object = cbor2.loads(data)
        except Exception:  # noqa: BLE001 - bytes from a wire
            raise MessageError("relayed", "it is not CBOR") from None
        parts = cast("list[object]", tree) if isinstance(tree, list) else []
        if len(parts) != _PARTS or parts[0] != _WORD:
            raise MessageError("relayed", "it is no relayed submission")
        _, version, told, signed = parts
        if version != _FORMAT:
            raise MessageError("relayed", "is of another version: update the older of the two centres")
        if not isinstance(told, bytes) or not isinstance(signed, bytes):
            raise MessageError("relayed", "it is no relayed submission")
        try:
            attestation = decode_message(Attestation, told)
        except MessageError as error:
            raise MessageError(f"relayed.{error.field}"[:120], error.reason) from None
        return cls(attestation, signed)


@dataclass(frozen=True, slots=True)
class Followed:
    """A relayed submission, once every signature on its way was right.

    Attributes:
        payload: the kiosk's message, as it was signed.
        device: the kiosk, its agency `ori`, and its `key`.
        path: the centres that it came through, the lowest first.
        relays: under which names they passed it on, in the same order.
        waited_s: how long it had waited at the kiosk, by the kiosk's own word.
    """

    payload: bytes = field(repr=False)
    tcn: str
    device: str
    ori: str
    key: PublicKey
    path: tuple[str, ...]
    relays: tuple[str, ...]
    waited_s: float | None


class ReportTaken(Message):
    """The centre has a report of a disposition that a relay passed on: ``fp/v1/{relay}/down/command``."""

    version: Version = MESSAGE_VERSION
    command: Literal["report_taken"] = "report_taken"
    tcn: Tcn
    reported_at: Instant
    known: bool = True


def centre_id(ca_pem: bytes) -> str:
    """Who a centre is, for the path: the beginning of its authority's fingerprint. Raises EnvelopeError."""
    return fingerprint(ca_pem)[:8].hex()


def is_relayed(payload: bytes) -> bool:
    """Whether a statement's message begins as a relayed submission does."""
    return payload.startswith(_BEGINS)


def tcn_of(payload: bytes) -> str | None:
    """Of which submission a relayed one says that it is; nothing of it is checked."""
    try:
        return Relayed.decode(payload).attestation.tcn
    except MessageError:
        return None


def follow(payload: bytes, *, relay: str) -> Followed:
    """Go down the chain that `relay` brought, to the kiosk. Raises MessageError for whatever does not agree."""
    path: list[str] = []
    relays: list[str] = []
    tcn = ori = ""
    carrier = relay
    while True:
        one = Relayed.decode(payload)
        told = one.attestation
        if told.relay != carrier:
            raise MessageError("relayed.relay", f"was attested by another than '{carrier}', who brought it")
        if path and (told.tcn, told.ori) != (tcn, ori):
            raise MessageError("relayed.tcn", "the relays on its way do not speak of the same booking")
        if told.centre in path:
            raise MessageError(
                "relayed.path", "it came through the same centre twice: the relays form a ring"
            )
        path.append(told.centre)
        relays.append(carrier)
        if len(path) > MAX_HOPS:
            raise MessageError("relayed.path", f"it came through more than {MAX_HOPS} centres")
        tcn, ori = told.tcn, told.ori
        statement, key = _statement(one)
        if not is_relayed(statement.payload):
            break
        payload, carrier = statement.payload, told.sender
    if statement.ori != ori:
        raise MessageError("relayed.ori", "the kiosk signed for another agency than the relay says")
    if len(statement.payload) > MAX_PAYLOAD_BYTES:
        raise MessageError("relayed", "what the kiosk signed is too long")
    return Followed(
        payload=statement.payload,
        tcn=tcn,
        device=statement.device,
        ori=ori,
        key=key,
        path=tuple(reversed(path)),
        relays=tuple(reversed(relays)),
        waited_s=None if statement.late is None else statement.late.waited_s,
    )


def signed_message(signed: bytes) -> bytes:
    """The innermost message of what was signed, nothing verified. Raises EnvelopeError, MessageError."""
    import cbor2

    for _ in range(MAX_HOPS + 1):
        tree: Any = cbor2.loads(signed)
        payload = Statement.decode(tree.value[2]).payload
        if not is_relayed(payload):
            return payload
        signed = Relayed.decode(payload).signed
    raise MessageError("relayed.path", f"it came through more than {MAX_HOPS} centres")


def _statement(one: Relayed) -> tuple[Statement, PublicKey]:
    told = one.attestation
    try:
        key = PublicKey.read(told.signer.encode())
        opened = check_signed(one.signed, signers=[key], context=up(told.sender, Up.SUBMISSION))
        statement = Statement.decode(opened.payload)
    except EnvelopeError as error:
        raise MessageError("relayed.signed", f"the signature of '{told.sender}': {error.reason}") from None
    if statement.device != told.sender:
        raise MessageError("relayed.sender", "was signed as another device's")
    return statement, key
