"""The kiosk's memory of its board: the key both hold, the board's number, and whether somebody has been at it.

A small JSON file, readable by its owner alone. It is written whole under another name, synced, and renamed, so
that a loss of power leaves the old one or the new one. What it says outlives whatever is plugged in: once it
says "tampered", no board is trusted until somebody has paired one, with the lid open and a finger on its button.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from edge_service.sensors.board.errors import BoardUnpaired

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
NO_KEY = bytes(KEY_BYTES)
"""Stands for "unpaired" on both sides (docs/board-link.md, "Keys and sessions")."""

FILE_NAME = "board-pairing.json"
_VERSION = 1
_LONGEST_BYTES = 4096


class PairingState(StrEnum):
    """What the file says."""

    UNPAIRED = "unpaired"  # there is no file
    OFFERED = "offered"  # the key was sent and no answer seen: the board may have it
    PAIRED = "paired"
    TAMPERED = "tampered"  # the key is forgotten


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is remembered.

    Attributes:
        state: see `PairingState`.
        key: 32 bytes; zeros unless paired or offered.
        board: the board's unique number, 16 hexadecimal digits; "" if none.
        evidence: what was seen, when tampered.
        since: when this was written, UTC, as the kiosk's clock had it.
    """

    state: PairingState = PairingState.UNPAIRED
    key: bytes = NO_KEY
    board: str = ""
    evidence: str = ""
    since: str = ""


class PairingFile:
    """The file at `path`; its folder has to exist. `port` is the board's, for messages."""

    def __init__(self, path: Path, *, port: str) -> None:
        self.path = path
        self._port = port

    def read(self) -> Pairing:
        """What is remembered. Raises BoardUnpaired for a file that cannot be trusted, and says why."""
        try:
            with self.path.open("rb") as file:
                loose = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
                content = file.read(_LONGEST_BYTES)
        except FileNotFoundError:
            return Pairing()
        except OSError as error:
            why = f"the pairing file {self.path} cannot be read ({error.strerror})"
            raise BoardUnpaired(why, path=self._port) from error
        if loose:
            why = f"others may read the pairing file {self.path}, so its key is no secret"
            raise BoardUnpaired(why, path=self._port)
        try:
            return _decode(content)
        except (ValueError, KeyError, TypeError) as error:
            raise BoardUnpaired(f"the pairing file {self.path} is damaged", path=self._port) from error

    def offer(self, key: bytes, *, board: str) -> None:
        """Remember a key that is about to be sent. Raises BoardUnpaired if the disk does not take it."""
        self._write(Pairing(PairingState.OFFERED, key, board))

    def confirm(self, key: bytes, *, board: str) -> None:
        """The board has proven that it holds `key`."""
        self._write(Pairing(PairingState.PAIRED, key, board))

    def tampered(self, evidence: str, *, board: str) -> None:
        """Trust no board from now on, and forget the key. The first evidence stays."""
        with contextlib.suppress(BoardUnpaired):
            if self.read().state is PairingState.TAMPERED:
                return
        self._write(Pairing(PairingState.TAMPERED, NO_KEY, board, evidence))

    def forget(self) -> None:
        """Back to having no board."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
            _sync_folder(self.path)

    def _write(self, pairing: Pairing) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        tree = asdict(pairing) | {"version": _VERSION, "key": pairing.key.hex(), "since": since}
        half = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            half.unlink(missing_ok=True)
            fd = os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(json.dumps(tree, indent=1).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            half.replace(self.path)
            _sync_folder(self.path)
        except OSError as error:
            half.unlink(missing_ok=True)
            why = f"the pairing file {self.path} cannot be written ({error.strerror})"
            raise BoardUnpaired(why, path=self._port) from error


def _decode(content: bytes) -> Pairing:
    tree: Any = json.loads(content)
    if not isinstance(tree, dict):
        raise TypeError("not a table")
    fields = cast("dict[str, Any]", tree)
    if fields["version"] != _VERSION:
        raise ValueError("another version")
    key = bytes.fromhex(fields["key"])
    state = PairingState(fields["state"])
    holds_key = state in {PairingState.PAIRED, PairingState.OFFERED}
    if len(key) != KEY_BYTES or holds_key == (key == NO_KEY):
        raise ValueError("the key does not fit the state")
    return Pairing(state, key, str(fields["board"]), str(fields["evidence"]), str(fields["since"]))


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
