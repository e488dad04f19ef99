"""The kiosk's clock: Debian's `faketime` before the kiosk's two programs, told by a file how far off they are.

Only the wall clock is off, as on a machine whose clock was set wrong; the monotonic one goes on. A kernel whose clock
was set by hand calls itself unsynchronised from then on (adjtimex(2)), which the library does not play: so the fault is
left out on a machine that a time server keeps, and where the library is not installed (apt install faketime).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge_service.clock import is_synchronised

LIBRARIES: Final = "*/faketime/libfaketimeMT.so.1"
RIGHT: Final = "+0"
_SHARED: Final = Path("/dev/shm")  # noqa: S108 - where the library keeps what its processes share


class KioskClock:
    """See the module.

    Attributes:
        available: whether it can be wrong at all.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = next(iter(sorted(Path("/usr/lib").glob(LIBRARIES))), None)
        self.available = self._library is not None and not is_synchronised()
        self.set(RIGHT)

    def set(self, offset: str) -> None:
        """From now on it is so much off: "+7y", "-40y"."""
        half = self._file.with_suffix(".new")
        half.write_text(f"{offset}\n", encoding="ascii")
        half.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """Of a program that goes by this clock."""
        if not self.available:
            return dict(os.environ)
        return {
            **os.environ,
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def tidy(self, pid: int) -> None:
        """What a killed program has left of the library's."""
        if self.available:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                (_SHARED / name).unlink(missing_ok=True)
