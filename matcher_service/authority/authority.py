"""A certificate authority in a folder: one root, certificates for devices, matchers and brokers, a revocation list.

    ca.pem  ca.key  crl.pem  issued/{serial}.pem  revoked/{serial}

The folder is the whole state, so a backup of it is a backup of the authority; `ca.key` is the one secret, and only
its owner may read it. X.509 profile: RFC 5280.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from interchange.certificates import key_pem, new_key, public_der
from interchange.whole_file import PUBLIC, SECRET, make_private_folder, write_whole
from matcher_service.authority import parameters
from matcher_service.authority.errors import AuthorityError, BadRequest
from matcher_service.authority.requests import Role, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_ORGANISATION = "Whorl"


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
        make_private_folder(folder)
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
        write_whole(folder / "ca.key", key_pem(key), mode=SECRET)
        write_whole(folder / "ca.pem", root.public_bytes(serialization.Encoding.PEM), mode=PUBLIC)
        authority = cls(folder, now=now)
        authority.write_revocations()
        return authority

    @property
    def root_pem(self) -> bytes:
        """The root, to be given to all who verify."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    def certify(
        self,
        request: bytes,
        *,
        role: Role,
        hosts: Iterable[str] = (),
        days: float | None = None,
        name: str | None = None,
        ori: str = "",
    ) -> bytes:
        """The certificate for a request, as PEM. `hosts` are a server's names. Raises BadRequest.

        The name becomes the MQTT user and client id, and so the level of the topics that its holder may use. `name`,
        if it is given, counts instead of the request's; `ori` is the agency that a device works for.
        """
        name, key = read_request(request, name=name)
        if role is Role.DEVICE and name.startswith(Role.MATCHER):
            raise BadRequest(
                f"names that begin with '{Role.MATCHER}' are the centre's own; give the kiosk another"
            )
        agency = [x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, ori)] if ori else []
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                *agency,
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        purpose = (
            ExtendedKeyUsageOID.SERVER_AUTH
            if role in {Role.BROKER, Role.API}
            else ExtendedKeyUsageOID.CLIENT_AUTH
        )
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
        write_whole(issued / f"{certificate.serial_number:x}.pem", pem, mode=PUBLIC)
        return pem

    def issued(self) -> list[x509.Certificate]:
        """All certificates made here, the newest last."""
        found = [
            x509.load_pem_x509_certificate(p.read_bytes()) for p in (self.folder / "issued").glob("*.pem")
        ]
        return sorted(found, key=lambda c: c.not_valid_before_utc)

    def issued_to(self, name: str) -> list[x509.Certificate]:
        """The certificates of `name`, the newest last."""
        return [certificate for certificate in self.issued() if _common_name(certificate) == name]

    def find(self, serial: str) -> bytes | None:
        """The certificate with this serial number, in hexadecimal, as PEM; None if it was not made here."""
        if not serial or len(serial) > 40 or set(serial) - set("0123456789abcdef"):
            return None
        try:
            return (self.folder / "issued" / f"{serial}.pem").read_bytes()
        except FileNotFoundError:
            return None

    def find_for(self, name: str, request: bytes) -> bytes | None:
        """The certificate that `name` was given for the key in `request`, if it is good; as PEM. Raises BadRequest."""
        _, key = read_request(request, name=name)
        for certificate in reversed(self.issued_to(name)):
            its = certificate.public_key()
            if isinstance(its, ec.EllipticCurvePublicKey) and public_der(its) == public_der(key):
                good = not self.is_revoked(certificate) and certificate.not_valid_after_utc > self._now()
                return certificate.public_bytes(serialization.Encoding.PEM) if good else None
        return None

    def revoke(self, name: str) -> int:
        """Revoke every certificate of `name`; how many there were. Brokers read the new list when told to."""
        (self.folder / "revoked").mkdir(exist_ok=True)
        count = 0
        for certificate in self.issued_to(name):
            mark = self.folder / "revoked" / f"{certificate.serial_number:x}"
            if not mark.exists():
                write_whole(mark, self._now().isoformat().encode(), mode=PUBLIC)
                count += 1
        self.write_revocations()
        return count

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """Whether it was revoked."""
        return self.is_revoked_serial(f"{certificate.serial_number:x}")

    def is_revoked_serial(self, serial: str) -> bool:
        """Whether the certificate with this serial number, in hexadecimal, was revoked."""
        return (self.folder / "revoked" / serial).exists()

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
        write_whole(self.folder / "crl.pem", crl.public_bytes(serialization.Encoding.PEM), mode=PUBLIC)


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
