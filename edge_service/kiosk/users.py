"""Who may unlock the kiosk: names and scrypt hashes of PINs and badge numbers, in one file.

The salt is the file's, not each line's. A code alone unlocks the kiosk, so that one attempt has to be compared with
every line; with one salt that is one hash, which can therefore be a costly one, takes as long for one officer as for
fifty, and shows when two officers would have the same code. The file is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from edge_service.kiosk import parameters
from edge_service.kiosk.errors import UsersError

FILE = "kiosk-users.json"
_CODE = re.compile(r"[A-Z0-9-]{4,32}")
_Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"

Kind = Literal["pin", "badge"]


class User(BaseModel):
    """One who may unlock the kiosk; `name` is a label, such as a roster number."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, StringConstraints(pattern=_NAME)]
    kind: Kind
    hash: _Hex32


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Literal[1] = 1
    salt: _Hex32
    n: Annotated[int, Field(ge=2**14, le=2**18)]
    r: Annotated[int, Field(ge=8, le=16)]
    p: Annotated[int, Field(ge=1, le=4)]
    users: Annotated[tuple[User, ...], Field(max_length=parameters.MAX_USERS)] = ()

    def hash_of(self, code: str) -> str:
        memory = 256 * self.n * self.r * self.p
        salt = bytes.fromhex(self.salt)
        return hashlib.scrypt(
            _plain(code).encode(), salt=salt, n=self.n, r=self.r, p=self.p, maxmem=memory, dklen=32
        ).hex()


class Users:
    """The file at `path`, read anew each time: who was added can unlock at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> tuple[User, ...]:
        """Everybody in it; nobody if there is no file. Raises UsersError if it cannot be read."""
        return self._read().users

    def find(self, code: str) -> User | None:
        """Whose code this is, after one costly hash. Raises UsersError."""
        content = self._read()
        given = content.hash_of(code)
        found: User | None = None
        for user in content.users:
            if hmac.compare_digest(user.hash, given):
                found = user
        return found

    def add(self, name: str, code: str, *, kind: Kind) -> None:
        """Let `name` unlock the kiosk with `code`. Raises UsersError that says what is wrong with it."""
        content = self._read()
        if not re.fullmatch(_NAME, name):
            raise UsersError(self.path, f"'{name}' is no name: letters, digits, dots and hyphens, at most 32")
        if any(user.name == name and user.kind == kind for user in content.users):
            raise UsersError(self.path, f"{name} has a {kind} already; remove it first")
        if len(content.users) >= parameters.MAX_USERS:
            raise UsersError(self.path, "is full; remove those who no longer work here")
        problem = _problem_with(code, kind)
        if problem:
            raise UsersError(self.path, problem)
        hashed = content.hash_of(code)
        if any(hmac.compare_digest(user.hash, hashed) for user in content.users):
            raise UsersError(self.path, f"choose another {kind}: this one cannot be used")
        self._write(
            content.model_copy(update={"users": (*content.users, User(name=name, kind=kind, hash=hashed))})
        )

    def remove(self, name: str) -> int:
        """Take everything of `name` out; how many codes that were. Raises UsersError."""
        content = self._read()
        kept = tuple(user for user in content.users if user.name != name)
        if len(kept) < len(content.users):
            self._write(content.model_copy(update={"users": kept}))
        return len(content.users) - len(kept)

    def _read(self) -> _Content:
        try:
            return _Content.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return _Content(
                salt=secrets.token_hex(32),
                n=parameters.SCRYPT_N,
                r=parameters.SCRYPT_R,
                p=parameters.SCRYPT_P,
            )
        except OSError as error:
            raise UsersError(self.path, f"cannot be read: {error.strerror}") from None
        except ValidationError:
            raise UsersError(
                self.path, "is damaged. Restore it from a backup, or remove it and add everybody again."
            ) from None

    def _write(self, content: _Content) -> None:
        try:
            file, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(file, "w", encoding="utf-8") as half:
                    json.dump(content.model_dump(), half, indent=1)
                    half.flush()
                    os.fsync(half.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UsersError(self.path, f"cannot be written: {error.strerror}") from None


def _plain(code: str) -> str:
    return code.strip().upper()


def _problem_with(code: str, kind: Kind) -> str:
    plain = _plain(code)
    if kind == "badge":
        return "" if _CODE.fullmatch(plain) else "a badge number has 4 to 32 letters, digits and hyphens"
    few = parameters.PIN_DIGITS_MIN
    if not (plain.isascii() and plain.isdigit() and few <= len(plain) <= parameters.CODE_LENGTH_MAX):
        return f"a PIN has at least {few} digits, and nothing but digits"
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(plain)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        return "choose another PIN: a row of the same or of neighbouring digits is the first that people try"
    return ""
