"""The wire between a virtual board's pins and whoever plays the hands and the light: lines of text on a socket.

`firmware/unix/unix_board.py` holds the other end and says which lines there are.
"""

from __future__ import annotations

import contextlib
import socket


class PinWire:
    """One wire, for one life of the firmware: when either end dies, the other sees it. Used by one thread."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._pending = b""

    @property
    def fd(self) -> int:
        """Our end, for `select`."""
        return self._ours.fileno()

    @property
    def their_fd(self) -> int:
        """The firmware's end, to be inherited."""
        return self._theirs.fileno()

    def inherited(self) -> None:
        """The firmware has its end: let go of it here, so that its death is seen."""
        self._theirs.close()

    def say(self, word: str, value: int) -> None:
        """Tell the firmware how a pin is."""
        with contextlib.suppress(OSError):  # it has just died; what it does not know it need not know
            self._ours.send(f"{word} {value}\n".encode())

    def heard(self) -> list[tuple[str, int]]:
        """What the firmware has said: a word and a number each (0 where it gave none)."""
        with contextlib.suppress(OSError):
            while data := self._ours.recv(4096):
                self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        return [_parsed(line.decode("ascii", "replace")) for line in lines if line]

    def close(self) -> None:
        """The end of it; the firmware ends too."""
        self._ours.close()
        self._theirs.close()


def _parsed(line: str) -> tuple[str, int]:
    word, _, value = line.partition(" ")
    return word, int(value) if value.isdigit() else 0
