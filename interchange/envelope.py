"""Messages signed by their sender and sealed to their receiver, so that no broker in between reads or changes them.

A sealed message is a COSE_Encrypt (RFC 9052, section 5.1) around a COSE_Sign1 (section 4.2) around the message:

* signed with ES256 (RFC 9053, section 2.1) by the sender's signing key, whose id stands in the protected header;
* sealed with A256GCM under a fresh key, which ECDH-ES + A256KW (RFC 9053, section 6.4) gives to the receiver alone.

Signing comes first and lies inside: who is outside learns not even who signed. Both layers are bound to a *context*,
the topic, as external data: a reply cannot be passed off as an acknowledgement, nor one device's as another's. The
signature does not name the receiver's key; the context does, since a topic belongs to one device and one direction.

Nothing but these algorithms is read. Keys are P-256, one for signing and another for sealing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import EnvelopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SEALED_BYTES = 96 * 1024
"""A payload of 64 KiB, its signature and its seal, with room to spare."""

_ES256, _A256GCM, _ECDH_ES_A256KW = -7, 3, -31
_ALG, _KID, _IV = 1, 4, 5
_ENCRYPT_TAG, _SIGN1_TAG = 96, 18
_CONTEXT_OF_KEY = {"alg": "A256GCM"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was opened: its payload, and the id of the key that signed it. `signed` is both, as it came.

    `receiver` is the id of our key to which it was sealed; empty where it was not.
    """

    payload: bytes
    signer: bytes
    signed: bytes = field(default=b"", repr=False)
    receiver: bytes = b""


def seal(payload: bytes, *, signer: PrivateKey, receiver: PublicKey, context: str) -> bytes:
    """`payload`, signed by `signer` and readable by `receiver` alone, for use at `context` (a topic)."""
    from cwt import COSE, COSEKey, Recipient

    aad = context.encode()
    signed = COSE.new().encode_and_sign(
        payload, signer.cose("ES256"), protected={_ALG: _ES256, _KID: signer.id}, external_aad=aad
    )
    assert isinstance(signed, bytes)
    content_key = COSEKey.generate_symmetric_key(alg="A256GCM")
    recipient = Recipient.new(
        protected={_ALG: _ECDH_ES_A256KW},
        unprotected={_KID: receiver.id},
        recipient_key=receiver.cose("ECDH-ES+A256KW"),
        context=_CONTEXT_OF_KEY,
    )
    return COSE.new().encode_and_encrypt(
        signed,
        content_key,
        protected={_ALG: _A256GCM},
        unprotected={_IV: content_key.generate_nonce()},
        recipients=[recipient],
        external_aad=aad,
    )


def unseal(
    data: bytes, *, receiver: Iterable[PrivateKey], signers: Iterable[PublicKey], context: str
) -> Opened:
    """Open what `seal` made. Raises EnvelopeError; which of the keys was used is found by its id.

    Several receiver keys, and several signers' keys, are what a change of keys looks like while both are good.
    """
    from cwt import COSE

    if len(data) > MAX_SEALED_BYTES:
        raise EnvelopeError(f"{len(data)} bytes, at most {MAX_SEALED_BYTES} are read")
    aad = context.encode()
    own = _chosen(receiver, _receiver_of(data), "sealed to a key that is not ours (any more)")
    try:
        signed = COSE.new().decode(
            data, own.cose("ECDH-ES+A256KW"), context=_CONTEXT_OF_KEY, external_aad=aad
        )
    except Exception:  # noqa: BLE001 - the library raises many things on bytes from a wire
        raise EnvelopeError("it cannot be opened: damaged, or meant for another topic") from None
    return replace(check_signed(signed, signers=signers, context=context), receiver=own.id)


def check_signed(signed: bytes, *, signers: Iterable[PublicKey], context: str) -> Opened:
    """What lies inside the seal, by itself: who signed it, and what. Raises EnvelopeError."""
    from cwt import COSE

    if len(signed) > MAX_SEALED_BYTES:
        raise EnvelopeError(f"{len(signed)} bytes, at most {MAX_SEALED_BYTES} are read")
    signer = _chosen(signers, _signer_of(signed), "signed by a key that is not known here")
    try:
        payload = COSE.new().decode(signed, signer.cose("ES256"), external_aad=context.encode())
    except Exception:  # noqa: BLE001 - the same
        raise EnvelopeError("its signature is wrong") from None
    return Opened(payload, signer.id, signed)


def is_sealed(data: bytes) -> bool:
    """Whether `data` begins as a sealed message does; JSON never does."""
    return data[:2] == b"\xd8\x60"


def _chosen(keys: Iterable[Any], wanted: bytes, problem: str) -> Any:  # noqa: ANN401 - private or public alike
    for key in keys:
        if key.id == wanted:
            return key
    raise EnvelopeError(f"it is {problem}")


def _receiver_of(data: bytes) -> bytes:
    """The id of the key that it is sealed to; refuses every shape and algorithm but ours."""
    protected, unprotected, _, recipients = _parts(data, _ENCRYPT_TAG, 4)
    if protected != {_ALG: _A256GCM} or set(unprotected) != {_IV}:
        raise EnvelopeError("it is not encrypted as it should be")
    if not isinstance(recipients, list) or len(cast("list[object]", recipients)) != 1:
        raise EnvelopeError("it has not exactly one receiver")
    recipient = cast("list[object]", recipients)[0]
    if not isinstance(recipient, list) or len(cast("list[object]", recipient)) != 3:
        raise EnvelopeError("its receiver cannot be read")
    header, of_key, _ = cast("list[object]", recipient)
    if _map(header) != {_ALG: _ECDH_ES_A256KW} or not isinstance(of_key, dict):
        raise EnvelopeError("its key is not wrapped as it should be")
    return _key_id(cast("dict[object, object]", of_key).get(_KID))


def _signer_of(signed: bytes) -> bytes:
    protected, unprotected, _, _ = _parts(signed, _SIGN1_TAG, 4)
    if protected.get(_ALG) != _ES256 or set(protected) != {_ALG, _KID} or unprotected:
        raise EnvelopeError("it is not signed as it should be")
    return _key_id(protected.get(_KID))


def _parts(
    data: bytes, tag: int, count: int
) -> tuple[dict[object, object], dict[object, object], object, object]:
    tree = _cbor(data)
    value = getattr(tree, "value", None)
    if (
        getattr(tree, "tag", None) != tag
        or not isinstance(value, list)
        or len(cast("list[object]", value)) != count
    ):
        raise EnvelopeError("it is no sealed message")
    protected, unprotected, third, fourth = cast("list[object]", value)
    if not isinstance(unprotected, dict):
        raise EnvelopeError("its headers cannot be read")
    return _map(protected), cast("dict[object, object]", unprotected), third, fourth


def _map(protected: object) -> dict[object, object]:
    tree = _cbor(protected) if isinstance(protected, bytes) else None
    if not isinstance(tree, dict):
        raise EnvelopeError("its headers cannot be read")
    return cast("dict[object, object]", tree)


def _cbor(data: bytes) -> object:
    import cbor2

    try:
        return cbor2.loads(data)
    except Exception:  # noqa: BLE001 - bytes from a wire; nesting ends in a RecursionError
        raise EnvelopeError("it is not CBOR") from None


def _key_id(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != PublicKey.ID_BYTES:
        raise EnvelopeError("the id of its key cannot be read")
    return value
