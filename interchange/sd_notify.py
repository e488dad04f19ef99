"""What a service tells systemd: that it is ready, how it is, that it is alive (sd_notify(3)).

Without systemd, or with one that does not listen, every word goes nowhere and nothing fails.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARACTERS = 200  # of a status line, as `systemctl status` shows it


class Notifier:
    """Speaks to the supervisor; see `from_environment`.

    Attributes:
        watchdog_s: how long the supervisor waits between two signs of life before it kills; None: for ever.
    """

    def __init__(self, address: str | None = None, *, watchdog_s: float | None = None) -> None:
        self._address = address
        self.watchdog_s = watchdog_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say; these are meant for one process, not its children."""
        usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        ours = pid in {"", str(os.getpid())}
        watchdog_s = int(usec) / 1e6 if ours and usec.isdecimal() and int(usec) > 0 else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s=watchdog_s)

    @property
    def heard(self) -> bool:
        """Whether there is a supervisor to speak to."""
        return self._address is not None

    def ready(self) -> None:
        """The start is over."""
        self._say("READY=1")

    def alive(self) -> None:
        """A sign of life; only ever after progress was proven."""
        self._say("WATCHDOG=1")

    def status(self, words: str) -> None:
        """One line for `systemctl status`: no names, no numbers of bookings."""
        line = " ".join(words.split())[:MOST_CHARACTERS]
        self._say(f"STATUS={line}")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def _say(self, words: str) -> None:
        if self._address is None:
            return
        # A name in Linux's abstract space is written with @ and spelt with a zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(words.encode(), address)
