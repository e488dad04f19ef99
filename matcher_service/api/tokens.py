"""Bearer tokens: who may use the API. A file of names, digests and repositories; the tokens themselves are nowhere.

    # name  SHA-256 of the token                                              whose candidates may be looked at
    console 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 criminal,immigration

Lines can be taken out with any editor; what is not in the file is denied: without a third word no candidate is shown.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from hashlib import sha256
from typing import TYPE_CHECKING

from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?")
_LINE = re.compile(
    rf"({NAME.pattern})[ \t]+([0-9a-f]{{64}})(?:[ \t]+({NAME.pattern}(?:,{NAME.pattern})*))?"
)  # a repository has such a name, too
TOKEN_BYTES = 32
_FOR_WEBHOOKS = b"whorl webhook v1"
MAX_FILE_BYTES = 1024 * 1024
_MAKE = "make one with: matcher-service api-token NAME"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadTokens(MatcherError):  # noqa: N818 - reads as what it is
    """A file of tokens that cannot be trusted or used.

    Attributes:
        file: which.
    """

    def __init__(self, file: Path, problem: str) -> None:
        self.file = file
        super().__init__(f"{file}: {problem}")


class Tokens:
    """The tokens of a file, as it was when it was read."""

    def __init__(
        self, names_by_digest: dict[str, str], repositories: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        """`repositories`: by name, those whose candidates may be looked at; none for a name that is not there."""
        self._names = names_by_digest
        self._repositories = dict(repositories or {})

    @classmethod
    def read(cls, file: Path) -> Tokens:
        """Raises BadTokens for a file that is not there, that others can read, or that holds no token."""
        try:
            with file.open("rb") as opened:
                _check_private(file, os.fstat(opened.fileno()))
                text = opened.read(MAX_FILE_BYTES).decode("ascii", "replace")
        except OSError as error:
            raise BadTokens(file, f"cannot be read: {error.strerror}; {_MAKE}") from None
        names: dict[str, str] = {}
        repositories: dict[str, frozenset[str]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            found = _LINE.fullmatch(line.strip())
            if found is None:
                raise BadTokens(
                    file, f"line {number} is not 'NAME SHA-256 [REPOSITORY,...]'; take it out, and {_MAKE}"
                )
            names[found[2]] = found[1]
            repositories[found[1]] = frozenset((found[3] or "").split(",")) - {""}
        if not names:
            raise BadTokens(file, f"holds no token, so nobody could use the API; {_MAKE}")
        return cls(names, repositories)

    def name_of(self, authorization: bytes) -> str | None:
        """Whose token it is, from an Authorization header; None for nobody's."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            return None
        digest = sha256(token.strip()).hexdigest()
        owner = None
        for known, name in self._names.items():  # all of them, always: the time tells nothing
            if hmac.compare_digest(known, digest):
                owner = name
        return owner

    def repositories_of(self, name: str) -> frozenset[str]:
        """Those whose candidates the holder of this name's token may look at."""
        return self._repositories.get(name, frozenset())

    def secret_of(self, name: str) -> bytes | None:
        """What is shared with the holder of this name's token, to sign what is posted to it; None without one.

        HMAC-SHA256 of `whorl webhook v1`, with the token's SHA-256 as the key: the holder can compute it.
        """
        digests = [digest for digest, owner in self._names.items() if owner == name]
        return hmac.new(bytes.fromhex(digests[0]), _FOR_WEBHOOKS, sha256).digest() if digests else None


def add_token(file: Path, name: str, repositories: Collection[str] = ()) -> str:
    """Make a token for `name`, note its digest in the file, and return it: it cannot be had again.

    It shows candidates of `repositories` only. Raises BadTokens for a name that is taken or cannot be one, and for a
    file that cannot be written.
    """
    for repository in repositories:
        if not NAME.fullmatch(repository):
            raise BadTokens(file, f"'{repository}' is no name of a repository; see: matcher-service stats")
    if not NAME.fullmatch(name):
        raise BadTokens(file, f"'{name}' is no name: use 1 to 40 of a-z, 0-9, '.', '_' and '-'")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        file.touch(mode=0o600)
        with file.open("r+b") as opened:
            _check_private(file, os.fstat(opened.fileno()))
            there = opened.read(MAX_FILE_BYTES)
            if any(line.split()[:1] == [name.encode()] for line in there.splitlines()):
                raise BadTokens(file, f"'{name}' has a token already; take its line out first")
            start = b"" if not there or there.endswith(b"\n") else b"\n"
            line = f"{name} {sha256(token.encode()).hexdigest()} {','.join(sorted(set(repositories)))}"
            opened.write(start + line.strip().encode() + b"\n")
    except OSError as error:
        raise BadTokens(file, f"cannot be written: {error.strerror}") from None
    return token


def _check_private(file: Path, seen: os.stat_result) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise BadTokens(file, "is no file")
    if seen.st_mode & _OTHERS:
        raise BadTokens(file, f"can be read or written by others; first: chmod 600 {file}")
    if seen.st_uid not in (os.geteuid(), 0):
        raise BadTokens(file, f"belongs to another account; first: chown {os.geteuid()} {file}")
