"""A bundle, read from a file and believed only when everything about it is right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.firmware_update import archive, parameters
from edge_service.firmware_update.errors import BundleDamaged, BundleUntrusted
from edge_service.firmware_update.manifest import Manifest, ManifestError
from edge_service.firmware_update.trusted_keys import KEY_FOLDER, TrustedKeys

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole bundle with a good signature.

    Attributes:
        path: its file.
        manifest: what was signed, read.
        manifest_bytes: the same as it was signed.
        contents: the files, in the manifest's order.
        signer: file of the key whose signature it carries.
    """

    path: Path
    manifest: Manifest
    manifest_bytes: bytes
    contents: tuple[bytes, ...]
    signer: Path

    @classmethod
    def read(cls, path: Path, *, keys: TrustedKeys) -> Bundle:
        """Read and verify.

        Raises BundleDamaged for what is no bundle, BundleUntrusted for a signature by nobody we trust. The
        signature is checked before anything in the manifest is looked at.
        """
        found = _members(path)
        manifest_bytes, signature = found.pop(MANIFEST), found.pop(SIGNATURE)
        signer = keys.signer_of(manifest_bytes, signature)
        if signer is None:
            raise BundleUntrusted(path, _nobody(keys), keys=len(keys))
        try:
            manifest = Manifest.decode(manifest_bytes)
        except ManifestError as error:
            raise BundleDamaged(
                path, f"its manifest is signed, but not one of this format: {error}"
            ) from None
        _compare(path, manifest, found)
        return cls(path, manifest, manifest_bytes, tuple(found.values()), signer)


def _members(path: Path) -> dict[str, bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(parameters.MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise BundleDamaged(path, f"it cannot be read ({error.strerror})") from None
    try:
        found = archive.members(data)
    except archive.ArchiveError as error:
        raise BundleDamaged(path, str(error)) from None
    if list(found)[:2] != [MANIFEST, SIGNATURE]:
        raise BundleDamaged(path, f"it does not begin with {MANIFEST} and {SIGNATURE}")
    if len(found[SIGNATURE]) != parameters.SIGNATURE_BYTES:
        raise BundleDamaged(path, f"its signature has {len(found[SIGNATURE])} bytes")
    return found


def _compare(path: Path, manifest: Manifest, found: dict[str, bytes]) -> None:
    if list(found) != [file.path for file in manifest.files]:
        raise BundleDamaged(path, "its files are not those that the manifest lists")
    for file in manifest.files:
        data = found[file.path]
        if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
            raise BundleDamaged(path, f"{file.path} is not what the manifest says")


def _nobody(keys: TrustedKeys) -> str:
    cure = (
        "If you know who built it, ask for their public key, put it into"
        f" {KEY_FOLDER} (or name it in the setting firmware.trusted_keys), and try again."
    )
    if not len(keys):
        return f"is signed, but this kiosk trusts no key yet. {cure}"
    return (
        f"is not signed by any of the {len(keys)} keys that this kiosk trusts, or was changed since. {cure}"
    )
