"""Passwords: which are taken (NIST SP 800-63B, 5.1.1.2), and how they are kept (Argon2id, RFC 9106)."""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from typing import TYPE_CHECKING

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from matcher_service.accounts import parameters
from matcher_service.accounts.errors import BadPassword

if TYPE_CHECKING:
    from collections.abc import Iterable

# What people fall back on when twelve characters are asked for. A longer list would be of passwords that are too short.
_WORDS = frozenset(
    """password passwort passwords letmein letmeinplease welcome iloveyou administrator admin qwerty qwertyuiop
    qwertyuiopasdf qwertzuiop asdfghjkl asdfghjklzxc zxcvbnm monkey dragon football baseball basketball superman batman
    sunshine princess starwars trustno changeme changemenow secret supersecret master shadow jesus freedom whatever
    mustang harley corvette fingerprint fingerprints biometric livescan whorl matcher sheriff sheriffs deputy police
    county jail booking officer examiner america liberty computer internet default guest test testing temporary
    summer winter autumn spring january february march april may june july august september october november december
    correcthorsebatterystaple onetwothree abcdefghijkl""".split()  # noqa: SIM905 - quotation marks would hide the words
)
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_SWAPPED = str.maketrans("@4031$5!7", "aaoeissit")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def normal(password: str) -> str:
    """The password as it is hashed: NFKC, so that two keyboards give the same."""
    return unicodedata.normalize("NFKC", password)


def check_new(password: str, *, about: Iterable[str] = ()) -> None:
    """Raises BadPassword for one that is too short, common, or made of what everybody knows `about` its owner."""
    plain = normal(password)
    if len(plain) < parameters.PASSWORD_MIN_CHARACTERS:
        raise BadPassword(
            f"it needs at least {parameters.PASSWORD_MIN_CHARACTERS} characters; a few words will do"
        )
    if len(plain) > parameters.PASSWORD_MAX_CHARACTERS:
        raise BadPassword(f"it has more than {parameters.PASSWORD_MAX_CHARACTERS} characters")
    low = plain.casefold()
    if len(set(low)) < 5:
        raise BadPassword("it is the same few characters over and over")
    core = _ENDS.sub("", low)
    bare = (core.translate(_SWAPPED), _ENDS.sub("", low.translate(_SWAPPED)))
    known = _WORDS | {word.casefold() for word in about if len(word) >= 3}
    if any(_is_made_of(text, known) for text in (low, core, *bare)):
        raise BadPassword(
            "it is a common word, or your name, with ends; take several words that do not belong together"
        )
    if any(low in run + run or low in (run + run)[::-1] for run in _RUNS):
        raise BadPassword("it is a row of the keyboard")


def first_password() -> str:
    """One to hand over: four groups of five, without characters that look alike; 99 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


class Hasher:
    """Argon2id, a bounded number at once. The same time for everybody, known or not."""

    def __init__(
        self,
        *,
        time_cost: int = parameters.ARGON2_TIME_COST,
        memory_kib: int = parameters.ARGON2_MEMORY_KIB,
        lanes: int = parameters.ARGON2_LANES,
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes, type=Type.ID
        )
        self._turns = threading.BoundedSemaphore(parameters.HASHES_AT_ONCE)
        self._nobodys: str | None = None

    def hash(self, password: str) -> str:
        """The hash, with its salt and parameters."""
        with self._turns:
            return self._hasher.hash(normal(password))

    def matches(self, stored: str, password: str) -> bool:
        """Whether `stored` is of this password. An empty one is nobody's: never, and it takes as long."""
        plain = normal(password[: 4 * parameters.PASSWORD_MAX_CHARACTERS])
        if self._nobodys is None:
            self._nobodys = self.hash(secrets.token_urlsafe(32))
        with self._turns:
            try:
                return self._hasher.verify(stored or self._nobodys, plain) and bool(stored)
            except (Argon2Error, InvalidHashError):
                return False

    def outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def _is_made_of(text: str, words: Iterable[str]) -> bool:
    """Whether the text is one of the words, however often, with digits or signs between."""
    parts = [part for part in re.split(r"[\W\d_]+", text) if part]
    for word in words:
        if text == word or (parts and len(set(parts)) == 1 and parts[0] == word):
            return True
        if len(text) >= 2 * len(word) and text.replace(word, "") == "":
            return True
    return not parts and len(set(text)) < 6
