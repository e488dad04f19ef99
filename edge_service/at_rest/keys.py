"""Where the spool key is, and how it is read, made and replaced.

The first of these places that there is: the service's credential ``spool-key`` (systemd's LoadCredentialEncrypted=,
which a TPM can open for this machine alone), the file that the settings name, ``spool.key`` beside the spool. The
last two are made when the spool is. A key file is text: one key a line, 64 hexadecimal digits, the one to seal with
first. Lines below it are older keys that can still be read.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.errors import SpoolKeyError
from interchange.whole_file import sync_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KEY_FILE = "spool.key"
CREDENTIAL = "spool-key"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
KEY_BYTES = 32
MAX_KEYS = 4
_MAX_FILE_BYTES = 1024
_LINE = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file of keys; `spool` is what they open, `ours` whether this program may make and replace it."""

    path: Path
    spool: Path
    ours: bool = True

    @property
    def exists(self) -> bool:
        """Whether it is there."""
        return self.path.exists()

    @property
    def open_to_others(self) -> bool:
        """Whether anybody but its owner may read it."""
        try:
            return self.ours and bool(self.path.stat().st_mode & 0o077)
        except OSError:
            return False

    def load(self) -> list[bytes]:
        """Its keys. Raises SpoolKeyError."""
        try:
            with self.path.open("rb") as file:
                text = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            raise self._trouble("is missing", lost=True) from None
        except OSError as error:
            who = "run this as the service's user: sudo -u whorl edge-service ..."
            raise self._trouble(f"cannot be read ({error.strerror}); {who}") from None
        lines = text.decode("ascii", "replace").split()
        if not 1 <= len(lines) <= MAX_KEYS or not all(_LINE.fullmatch(line) for line in lines):
            raise self._trouble("is not a key file: one to four lines of 64 hexadecimal digits")
        return [bytes.fromhex(line) for line in lines]

    def make(self) -> None:
        """Make it, with a new key, unless it is there; whole and on the disk when this returns."""
        if not self.ours or self.exists:
            return
        half = self.path.with_name(f"{self.path.name}.new-{os.getpid()}")
        try:
            write_whole(half, _text([new_key()]))
            with contextlib.suppress(FileExistsError):  # another process was faster: its key it is
                os.link(half, self.path)
            half.unlink()
            sync_folder(self.path.parent)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise self._trouble(f"cannot be made ({error.strerror})") from None

    def replace(self, keys: Sequence[bytes]) -> None:
        """Put `keys` in its place: the old ones or the new ones are there at any moment. Raises SpoolKeyError."""
        try:
            write_whole(self.path, _text(keys))
        except OSError as error:
            raise self._trouble(f"cannot be written ({error.strerror}); nothing was changed") from None

    def _trouble(self, problem: str, *, lost: bool = False) -> SpoolKeyError:
        return SpoolKeyError(self.spool, key_path=self.path, problem=problem, lost=lost)


class NoKeys:
    """For a look at what is plain, where the key cannot be had."""

    def load(self) -> list[bytes]:
        """None."""
        return []


def key_file_of(
    spool: Path, *, named: Path | None = None, environment: Mapping[str, str] | None = None
) -> KeyFile:
    """The key file of `spool`: the credential, the one that is `named`, or the one beside it."""
    folder = (os.environ if environment is None else environment).get(CREDENTIALS)
    if folder:
        credential = spool.__class__(folder) / CREDENTIAL
        if credential.exists():
            return KeyFile(credential, spool, ours=False)
    return KeyFile(named or spool.with_name(KEY_FILE), spool)


def new_key() -> bytes:
    """A key by chance."""
    return secrets.token_bytes(KEY_BYTES)


def _text(keys: Sequence[bytes]) -> bytes:
    return "".join(f"{key.hex()}\n" for key in keys).encode("ascii")
