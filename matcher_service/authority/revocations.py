"""The list of revoked certificates, on its way to where a broker reads it.

The authority writes its list (`crl.pem`) at every revocation; a broker reads its own copy, which may lie in a folder
that the centre's services cannot write to, or on another machine. Whoever carries it, by hand or from a systemd unit,
puts it there with `publish`: never half, never somebody else's, never an older one over a newer one. A list that a
broker cannot read would keep all kiosks out; an older one would let a stolen one in again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from interchange.whole_file import PUBLIC, write_whole
from matcher_service.authority.errors import AuthorityError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "crl.pem"


@dataclass(frozen=True, slots=True)
class Published:
    """A list in its place: where, how many certificates are on it, and whether it is another one than before."""

    path: Path
    revoked: int
    changed: bool


def publish(source: Path, target: Path) -> Published:
    """Put the list of `source` at `target`, a file or a folder that is there.

    The certificate authority in question is the `ca.pem` beside the target, by which the broker itself judges, or
    else the one beside the source. Raises AuthorityError when the list cannot be read, was not signed by it, or is
    older than the one that is there, and when it cannot be written.
    """
    target = target / FILE if target.is_dir() else target
    data = _bytes(source)
    new = _list(data, source)
    beside = next((p for p in (target.with_name("ca.pem"), source.with_name("ca.pem")) if p.is_file()), None)
    if beside is None:
        raise AuthorityError(
            target.parent, "holds no ca.pem, so nobody can say whose list this is; copy it there first"
        )
    if not _is_signed_by(new, beside):
        raise AuthorityError(source, f"was not signed by the authority of {beside}; nothing was changed")
    published = Published(target, sum(1 for _ in new), changed=True)
    if target.exists():
        there = _bytes(target)
        if there == data:
            return Published(target, published.revoked, changed=False)
        _refuse_older(new, there, source, target)
    try:
        write_whole(target, data, mode=PUBLIC)
    except OSError as error:
        raise AuthorityError(
            target, f"cannot be written: {error.strerror}; see who owns the folder"
        ) from None
    return published


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityError(path, f"cannot be read: {error.strerror}") from None


def _list(data: bytes, path: Path) -> x509.CertificateRevocationList:
    try:
        return x509.load_pem_x509_crl(data)
    except ValueError:
        raise AuthorityError(path, "is no list of revoked certificates in PEM; nothing was changed") from None


def _is_signed_by(crl: x509.CertificateRevocationList, ca: Path) -> bool:
    try:
        key = x509.load_pem_x509_certificate(_bytes(ca)).public_key()
    except ValueError:
        raise AuthorityError(ca, "is no certificate in PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or crl.signature_hash_algorithm is None:
        return False
    try:
        key.verify(crl.signature, crl.tbs_certlist_bytes, ec.ECDSA(crl.signature_hash_algorithm))
    except InvalidSignature:
        return False
    return True


def _refuse_older(new: x509.CertificateRevocationList, there: bytes, source: Path, target: Path) -> None:
    """An older list would forget a revocation. One that cannot be read protects nobody and is replaced."""
    try:
        old = x509.load_pem_x509_crl(there)
    except ValueError:
        return
    if new.last_update_utc < old.last_update_utc:
        raise AuthorityError(source, f"is older than {target}, which stays; bring the newest one")
