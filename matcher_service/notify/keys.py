"""The centre's keys towards subscribers: the authority's, or, on a machine without one, a pair of files of our own."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Protocol

from interchange.envelope_keys import PrivateKey
from interchange.errors import EnvelopeError
from interchange.whole_file import make_private_folder, write_whole
from matcher_service.notify.errors import NoticeRefused

if TYPE_CHECKING:
    from pathlib import Path

    from matcher_service.authority.centre_keys import CentreKeyring
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


class CentreKeys(Protocol):
    """What the centre signs with, and what receipts are sealed to; the newest first."""

    def signing(self) -> list[PrivateKey]:
        """To sign with: the first."""
        ...

    def sealing(self) -> list[PrivateKey]:
        """To open with: any."""
        ...

    def generation(self) -> int:
        """The number of the newest."""
        ...


class AuthorityKeys:
    """Those by which kiosks know the centre too."""

    def __init__(self, keyring: CentreKeyring) -> None:
        self._keyring = keyring

    def signing(self) -> list[PrivateKey]:
        """One of each generation."""
        return [one.signing for one in self._keyring.generations]

    def sealing(self) -> list[PrivateKey]:
        """One of each generation."""
        return [one.sealing for one in self._keyring.generations]

    def generation(self) -> int:
        """As the authority counts them."""
        return self._keyring.newest.number


class FileKeys:
    """A pair in a folder, made when they are first asked for. Raises NoticeRefused, then."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._found: dict[str, PrivateKey] = {}
        self._lock = threading.Lock()

    def signing(self) -> list[PrivateKey]:
        """The one."""
        return [self._key("notify-signing.key")]

    def sealing(self) -> list[PrivateKey]:
        """The one."""
        return [self._key("notify-sealing.key")]

    def generation(self) -> int:
        """They are never changed."""
        return 1

    def _key(self, name: str) -> PrivateKey:
        if self._folder is None:
            raise NoticeRefused(
                "[notify] key_folder",
                "has to be named where there is no authority and the database is not a file",
            )
        with self._lock:
            if name not in self._found:
                self._found[name] = _read(self._folder / name)
            return self._found[name]


def centre_keys(settings: MatcherSettings, database: Database) -> CentreKeys:
    """Those of these settings."""
    if settings.authority.folder is not None:
        from matcher_service.authority.centre_keys import CentreKeyring

        return AuthorityKeys(CentreKeyring(settings.authority.folder))
    return FileKeys(settings.notify.key_folder or (None if database.file is None else database.file.parent))


def _read(file: Path) -> PrivateKey:
    try:
        if not file.exists():
            make_private_folder(file.parent)
            # Two programs may want it at once: the first one's counts for both.
            new = file.with_name(f".{file.name}.{os.getpid()}")
            write_whole(new, PrivateKey.generate().pem)
            with contextlib.suppress(FileExistsError):
                os.link(new, file)
            new.unlink()
        return PrivateKey.read(file.read_bytes())
    except (OSError, EnvelopeError) as error:
        raise NoticeRefused(str(file), f"cannot be used ({error}); restore it from a backup") from None
