"""What a device states with every message that it seals: who it is, for whom it speaks, by which certificate.

It is signed with the message, so the matcher can hold it against the topic, the certificate and its own register.
It is made when the message is sent: what waits in the spool outlives any of them. As CBOR (RFC 8949):

    [1, device, ori, certificate's serial number in hexadecimal, centre's key generation, message]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from interchange.envelope import seal
from interchange.errors import EnvelopeError

if TYPE_CHECKING:
    from interchange.envelope_keys import PrivateKey

STATEMENT_VERSION = 1
_MAX_TEXT = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """A message, and what its device says of itself. `centre` is the generation of the key it was sealed to."""

    device: str
    ori: str
    certificate: str
    centre: int
    payload: bytes = field(repr=False)

    def encode(self) -> bytes:
        """For sealing."""
        import cbor2

        return cbor2.dumps(
            [STATEMENT_VERSION, self.device, self.ori, self.certificate, self.centre, self.payload]
        )

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """What was sealed. Raises EnvelopeError for any other shape."""
        import cbor2

        try:
            tree: object = cbor2.loads(data)
        except Exception:  # noqa: BLE001 - signed, but perhaps by a newer program
            raise EnvelopeError("what was signed is no statement of a device") from None
        if not isinstance(tree, list) or len(cast("list[object]", tree)) != 6:
            raise EnvelopeError("what was signed is no statement of a device")
        version, device, ori, certificate, centre, payload = cast("list[object]", tree)
        if version != STATEMENT_VERSION:
            raise EnvelopeError(
                f"only statements of version {STATEMENT_VERSION} are read: update the older side"
            )
        texts = (device, ori, certificate)
        if (
            not all(isinstance(text, str) and len(text) <= _MAX_TEXT for text in texts)
            or type(centre) is not int
            or not isinstance(payload, bytes)
        ):
            raise EnvelopeError("what was signed is no statement of a device")
        return cls(str(device), str(ori), str(certificate), centre, payload)


def warm_up(key: PrivateKey) -> None:
    """Load the sealing library at the start (a tenth of a second), and not under somebody's first booking."""
    seal(b"", signer=key, receiver=key.public, context="")
