"""What a device states with every message that it seals: who it is, for whom it speaks, by which certificate.

It is signed with the message, so the matcher can hold it against the topic, the certificate and its own register.
It is made when the message is sent: what waits in the spool outlives any of them. As CBOR (RFC 8949):

    [1, device, ori, certificate's serial number in hexadecimal, centre's key generation, message]

and, for a submission that is late, one more: [seconds waited, attempt] (`lateness`). Without it nothing is late, as in
statements made before there was one; a centre of that time refuses the seal of one that has it, and the kiosk holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from interchange.envelope import seal
from interchange.errors import EnvelopeError, MessageError
from interchange.lateness import Lateness

if TYPE_CHECKING:
    from interchange.envelope_keys import PrivateKey

STATEMENT_VERSION = 1
_MAX_TEXT = 64
_PARTS, _PARTS_WHEN_LATE = 6, 7
_OTHER = "what was signed is no statement of a device"


@dataclass(frozen=True, slots=True)
class Statement:
    """A message, and what its device says of itself. `centre` is the generation of the key it was sealed to."""

    device: str
    ori: str
    certificate: str
    centre: int
    payload: bytes = field(repr=False)
    late: Lateness | None = None

    def encode(self) -> bytes:
        """For sealing."""
        import cbor2

        parts: list[object] = [
            STATEMENT_VERSION, self.device, self.ori, self.certificate, self.centre, self.payload,
        ]  # fmt: skip
        if self.late is not None:
            parts.append([self.late.waited_s, self.late.attempt])
        return cbor2.dumps(parts)

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """What was sealed. Raises EnvelopeError for any other shape."""
        import cbor2

        try:
            tree: object = cbor2.loads(data)
        except Exception:  # noqa: BLE001 - signed, but perhaps by a newer program
            raise EnvelopeError(_OTHER) from None
        parts = cast("list[object]", tree) if isinstance(tree, list) else []
        if len(parts) not in {_PARTS, _PARTS_WHEN_LATE}:
            raise EnvelopeError(_OTHER)
        version, device, ori, certificate, centre, payload = parts[:_PARTS]
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
            raise EnvelopeError(_OTHER)
        try:
            late = Lateness.from_tree(parts[_PARTS]) if len(parts) == _PARTS_WHEN_LATE else None
        except MessageError:
            raise EnvelopeError(_OTHER) from None
        return cls(str(device), str(ori), str(certificate), centre, payload, late)


def warm_up(key: PrivateKey) -> None:
    """Load the sealing library at the start (a tenth of a second), and not under somebody's first booking."""
    seal(b"", signer=key, receiver=key.public, context="")
