"""Who this state is to the centre above: the folder that ``edge-service provision`` made, read as it is now.

    current/  tls.key tls.pem ca.pem signing.key sealing.key identity.json centre.json

The bridge shows `tls.pem`; what goes over it is signed and sealed with the other two keys. Where the centre has new
keys, they are added to `centre.json` here; the state's own certificate is made anew with a new code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from interchange.certificates import CertificateFacts, read_certificate
from interchange.envelope import is_sealed, seal, unseal
from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import EnvelopeError
from interchange.provisioning import CentreKeys
from interchange.relaying import centre_id
from interchange.statement import Statement
from interchange.whole_file import write_whole
from matcher_service.relay.errors import UpwardIdentityError

if TYPE_CHECKING:
    from pathlib import Path

_KEPT_CENTRE_KEYS = 2


@dataclass(frozen=True, slots=True)
class _Centre:
    generation: int
    signing: PublicKey
    sealing: PublicKey


class UpwardIdentity:
    """See the module. Raises UpwardIdentityError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state: tuple[object, ...] = ()
        self._load()

    @property
    def name(self) -> str:
        """Under which this state is registered above."""
        return self._certificate.name

    @property
    def ori(self) -> str:
        """The bureau's own agency."""
        return self._certificate.ori

    @property
    def certificate(self) -> CertificateFacts:
        """What the bridge shows."""
        return self._certificate

    @property
    def centre(self) -> str:
        """Who the centre above is."""
        return self._centre_id

    def refresh(self) -> None:
        """Read it again if it was provisioned anew meanwhile."""
        if self._look() != self._state:
            self._load()

    def wrap(self, topic: str, payload: bytes) -> bytes:
        """Signed with our key and sealed to the centre's newest, for `topic` there."""
        centre = self._centres[0]
        statement = Statement(self.name, self.ori, self._certificate.serial, centre.generation, payload)
        return seal(statement.encode(), signer=self._signing, receiver=centre.sealing, context=topic)

    def unwrap(self, topic: str, data: bytes) -> bytes:
        """What the centre sealed to us. Raises EnvelopeError."""
        if not is_sealed(data):
            raise EnvelopeError("it is not sealed, and so not the centre's")
        signers = [centre.signing for centre in self._centres]
        return unseal(data, receiver=[self._sealing], signers=signers, context=topic).payload

    def learn(self, keys: CentreKeys) -> bool:
        """Use the centre's new keys. False if these are not newer. Raises EnvelopeError, OSError."""
        if keys.generation <= self._centres[0].generation:
            return False
        _centre(keys)  # readable, or not taken
        path = self.folder / "current" / "centre.json"
        known = json.loads(path.read_bytes())["keys"]
        tree = {
            "version": 1,
            "since": datetime.now(UTC).isoformat(),
            "keys": [keys.model_dump(), *known][:_KEPT_CENTRE_KEYS],
        }
        write_whole(path.resolve(), json.dumps(tree).encode())
        self._load()
        return True

    def _look(self) -> tuple[object, ...]:
        current = self.folder / "current"
        try:
            return (str(current.resolve()), (current / "centre.json").stat().st_mtime_ns)
        except OSError:
            return ()

    def _load(self) -> None:
        current = self.folder / "current"
        self._state = self._look()
        try:
            self._certificate = read_certificate((current / "tls.pem").read_bytes())
            self._signing = PrivateKey.read((current / "signing.key").read_bytes())
            self._sealing = PrivateKey.read((current / "sealing.key").read_bytes())
            tree: dict[str, Any] = json.loads((current / "centre.json").read_bytes())
            self._centres = [_centre(CentreKeys.model_validate(keys)) for keys in tree["keys"]]
            self._centre_id = centre_id((current / "ca.pem").read_bytes())
        except OSError as error:
            raise UpwardIdentityError(
                self.folder,
                f"{error.filename}: {error.strerror}; ask the centre above for a code, then run:"
                f" edge-service provision CODE --centre ADDRESS --folder {self.folder}",
            ) from None
        except (ValueError, KeyError, TypeError, ValidationError, EnvelopeError) as error:
            raise UpwardIdentityError(
                self.folder, f"the identity cannot be read ({error}); provision this state again"
            ) from None


def _centre(keys: CentreKeys) -> _Centre:
    return _Centre(
        keys.generation, PublicKey.read(keys.signing.encode()), PublicKey.read(keys.sealing.encode())
    )
