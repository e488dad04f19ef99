"""A certificate authority in a folder: one root, certificates for devices, matchers and brokers, a revocation list.

    ca.pem  ca.key  crl.pem  issued/{serial}.pem  revoked/{serial}

The folder is the whole state, so a backup of it is a backup of the authority; `ca.key` is the one secret, and only
its owner may read it. X.509 profile: RFC 5280.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from matcher_service.authority import parameters
from matcher_service.authority.errors import AuthorityError, BadRequest
from matcher_service.authority.requests import Role, new_key, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_ORGANISATION = "Whorl"
_SECRET, _PUBLIC = 0o600, 0o644


class Authority:
    """The authority in `folder`; `create` makes one.

    Args:
        folder: where it is kept.
        now: the time, aware; passed in by tests.

    Raises AuthorityError when the folder holds none or cannot be read.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = folder
        self._now = now
        try:
            self._root = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        except FileNotFoundError:
            raise AuthorityError(
                folder, "holds no certificate authority; make one with Authority.create"
            ) from None
        except (OSError, ValueError) as error:
            raise AuthorityError(folder, f"the authority cannot be read: {error}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != self._root.public_key():
            raise AuthorityError(folder, "ca.key is not the key of ca.pem; restore both from the same backup")
        self._key = key

    @classmethod
    def create(cls, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Authority:
        """A new authority in `folder`. Raises AuthorityError if there is one already."""
        if (folder / "ca.key").exists():
            raise AuthorityError(
                folder, "holds an authority already; it is not replaced, since all would be shut out"
            )
        folder.mkdir(parents=True, exist_ok=True)
        key = new_key()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
                x509.NameAttribute(NameOID.COMMON_NAME, "Whorl authority"),
            ]
        )
        root = (
            _builder(name, name, key.public_key(), now(), timedelta(days=365 * parameters.AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(folder / "ca.key", _key_pem(key), _SECRET)
        _write(folder / "ca.pem", root.public_bytes(serialization.Encoding.PEM), _PUBLIC)
        authority = cls(folder, now=now)
        authority.write_revocations()
        return authority

    @property
    def root_pem(self) -> bytes:
        """The root, to be given to all who verify."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    def certify(
        self, request: bytes, *, role: Role, hosts: Iterable[str] = (), days: float | None = None
    ) -> bytes:
        """The certificate for a request, as PEM. `hosts` are a broker's names. Raises BadRequest.

        The name becomes the MQTT user and client id, and so the level of the topics that its holder may use.
        """
        name, key = read_request(request)
        if role is Role.DEVICE and name.startswith(Role.MATCHER):
            raise BadRequest(
                f"names that begin with '{Role.MATCHER}' are the centre's own; give the kiosk another"
            )
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if role is Role.BROKER else ExtendedKeyUsageOID.CLIENT_AUTH
        lifetime = timedelta(days=parameters.DEVICE_DAYS if days is None else days)
        builder = (
            _builder(subject, self._root.subject, key, self._now(), lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        names = list(hosts)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_host(n) for n in names]), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        issued = self.folder / "issued"
        issued.mkdir(exist_ok=True)
        _write(issued / f"{certificate.serial_number:x}.pem", pem, _PUBLIC)
        return pem

    def issued(self) -> list[x509.Certificate]:
        """All certificates made here, the newest last."""
        found = [
            x509.load_pem_x509_certificate(p.read_bytes()) for p in (self.folder / "issued").glob("*.pem")
        ]
        return sorted(found, key=lambda c: c.not_valid_before_utc)

    def revoke(self, name: str) -> int:
        """Revoke every certificate of `name`; how many there were. Brokers read the new list when told to."""
        (self.folder / "revoked").mkdir(exist_ok=True)
        count = 0
        for certificate in self.issued():
            mark = self.folder / "revoked" / f"{certificate.serial_number:x}"
            if _common_name(certificate) == name and not mark.exists():
                _write(mark, self._now().isoformat().encode(), _PUBLIC)
                count += 1
        self.write_revocations()
        return count

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """Whether it was revoked."""
        return (self.folder / "revoked" / f"{certificate.serial_number:x}").exists()

    def write_revocations(self) -> None:
        """Write `crl.pem` (RFC 5280, section 5)."""
        now = self._now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._root.subject)
            .last_update(now - timedelta(hours=parameters.BACKDATED_HOURS))
            .next_update(now + timedelta(days=parameters.REVOCATION_DAYS))
        )
        for mark in sorted((self.folder / "revoked").glob("*")):
            revoked = x509.RevokedCertificateBuilder().serial_number(int(mark.name, 16))
            when = datetime.fromisoformat(mark.read_text(encoding="ascii"))
            builder = builder.add_revoked_certificate(revoked.revocation_date(when).build())
        crl = builder.sign(self._key, hashes.SHA256())
        _write(self.folder / "crl.pem", crl.public_bytes(serialization.Encoding.PEM), _PUBLIC)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + lifetime) - timedelta(hours=parameters.BACKDATED_HOURS))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    import ipaddress

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more people than it will be."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
