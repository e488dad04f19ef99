"""Whose signature a kiosk accepts: Ed25519 public keys (RFC 8032) in PEM files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge_service.firmware_update import parameters
from edge_service.firmware_update.errors import BundleUntrusted

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_FOLDER = Path("/etc/whorl/firmware-keys")
"""Where keys are looked for when the settings name none."""


class TrustedKeys:
    """The keys, by the file each came from."""

    def __init__(self, keys: dict[Path, Ed25519PublicKey]) -> None:
        self._keys = keys

    @classmethod
    def load(
        cls, paths: Iterable[Path], *, extra: Iterable[Path] = (), folder: Path = KEY_FOLDER
    ) -> TrustedKeys:
        """The keys in the files `paths`; without any, of every .pem in `folder`, which need not exist. And `extra`.

        Raises BundleUntrusted for a key that cannot be read: a kiosk that silently trusts fewer people than its
        settings say is a puzzle later.
        """
        files = list(paths)
        if not files and folder.is_dir():
            files = sorted(folder.glob("*.pem"))
        files += extra
        if len(files) > parameters.MAX_KEYS:
            raise BundleUntrusted(
                folder, f"holds {len(files)} keys, more than {parameters.MAX_KEYS}.", keys=0
            )
        return cls({file: _read(file) for file in files})

    def __len__(self) -> int:
        return len(self._keys)

    def signer_of(self, message: bytes, signature: bytes) -> Path | None:
        """The file of the key whose signature this is; None when it is nobody's."""
        for path, key in self._keys.items():
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return path
        return None


def _read(path: Path) -> Ed25519PublicKey:
    try:
        with path.open("rb") as file:
            data = file.read(parameters.MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise BundleUntrusted(
            path, f"is named as a trusted key and cannot be read: {error.strerror}.", keys=0
        ) from None
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PublicKey):
        return key
    raise BundleUntrusted(
        path,
        "is named as a trusted key and is no Ed25519 public key in PEM form. The public half of a key comes from:"
        " openssl pkey -in key.pem -pubout.",
        keys=0,
    )
