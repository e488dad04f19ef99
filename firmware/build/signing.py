"""The key that signs: Ed25519 (RFC 8032), a PEM file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.build.errors import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

DEVELOPERS_KEY = "developer-key.pem"
DEVELOPERS_PUBLIC_KEY = "developer-key.pub.pem"
MAKE_ONE = "Make one with: openssl genpkey -algorithm ed25519 -out key.pem"


def load_key(path: Path, *, passphrase: str | None = None) -> Ed25519PrivateKey:
    """The private key in `path`. Raises KeyFileError; TypeError when it wants a passphrase, or wants none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(path, f"cannot be read: {error.strerror}. {MAKE_ONE}") from None
    try:
        key = serialization.load_pem_private_key(data, None if passphrase is None else passphrase.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        wrong = "the passphrase is wrong, or this is no private key in PEM form"
        raise KeyFileError(path, f"{wrong} ({error}). {MAKE_ONE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(path, f"is not an Ed25519 key. {MAKE_ONE}")
    return key


def developers_key(folder: Path) -> tuple[Ed25519PrivateKey, Path]:
    """The developer's key in `folder`, made on first use, and the file of its public half.

    It is for boards on a desk: an edge service trusts it only when somebody tells it to.
    """
    private, public = folder / DEVELOPERS_KEY, folder / DEVELOPERS_PUBLIC_KEY
    if not private.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
    key = load_key(private)
    public.write_bytes(public_pem(key))
    return key, public


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public half, as the edge service reads it."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
