"""The one-time code that a technician carries from the centre to a kiosk.

Seven groups of five, in Crockford's base 32 (no I, L, O, U; these are read as 1, 1, 0 and refused):

    17 characters   a secret, 85 random bits; the centre keeps only its SHA-256
    16 characters   the first 80 bits of the SHA-256 of the authority's certificate
     2 characters   a check, so that a slip of the finger is told from a wrong code

The fingerprint is why the kiosk can know the centre before it tells it anything: to pass for it, somebody would have
to find another certificate with the same 80 bits.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from interchange.errors import MessageError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_CHARACTERS, FINGERPRINT_CHARACTERS, CHECK_CHARACTERS = 17, 16, 2
GROUP = 5
_LENGTH = SECRET_CHARACTERS + FINGERPRINT_CHARACTERS + CHECK_CHARACTERS
_LOOKALIKES = str.maketrans("ILO", "110", " -")


@dataclass(frozen=True, slots=True)
class ProvisioningCode:
    """A code in its parts. Its secret stays out of `repr`."""

    secret: str = field(repr=False)
    authority: str

    @classmethod
    def make(cls, fingerprint: bytes) -> ProvisioningCode:
        """A new code for the authority with this SHA-256."""
        secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
        return cls(secret, _text(fingerprint, FINGERPRINT_CHARACTERS))

    @classmethod
    def read(cls, text: str) -> ProvisioningCode:
        """What somebody typed. Raises MessageError that says what is wrong with it, without repeating it."""
        plain = text[:200].upper().translate(_LOOKALIKES)
        if len(plain) != _LENGTH:
            raise MessageError(
                "code", f"has {len(plain)} letters and digits, not {_LENGTH}: seven groups of five"
            )
        for place, character in enumerate(plain):
            if character not in ALPHABET:
                raise MessageError("code", f"group {place // GROUP + 1} has a character that no code has")
        secret = plain[:SECRET_CHARACTERS]
        authority = plain[SECRET_CHARACTERS:-CHECK_CHARACTERS]
        code = cls(secret, authority)
        if code.check != plain[-CHECK_CHARACTERS:]:
            raise MessageError("code", "was not typed as it was printed; compare it group by group")
        return code

    @property
    def check(self) -> str:
        """The last two characters."""
        return _text(hashlib.sha256((self.secret + self.authority).encode()).digest(), CHECK_CHARACTERS)

    @property
    def secret_sha256(self) -> str:
        """What the centre keeps."""
        return secret_sha256(self.secret)

    def fits(self, fingerprint: bytes) -> bool:
        """Whether the authority with this SHA-256 is the one that made the code."""
        return secrets.compare_digest(self.authority, _text(fingerprint, FINGERPRINT_CHARACTERS))

    def __str__(self) -> str:
        """As it is printed and typed."""
        whole = self.secret + self.authority + self.check
        return "-".join(whole[at : at + GROUP] for at in range(0, _LENGTH, GROUP))


def secret_sha256(secret: str) -> str:
    """The hash of a code's secret; 85 random bits need no slow one."""
    return hashlib.sha256(f"whorl provisioning code {secret}".encode()).hexdigest()


def _text(data: bytes, characters: int) -> str:
    bits = int.from_bytes(data, "big") >> (len(data) * 8 - characters * 5)
    return "".join(ALPHABET[bits >> 5 * (characters - 1 - at) & 31] for at in range(characters))
