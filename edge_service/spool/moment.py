"""A moment by the machine's clocks, as the spool writes it down when it saves."""

from __future__ import annotations

import time
from dataclasses import dataclass

from edge_service.clock import BOOT_ID_FILE, is_synchronised


@dataclass(frozen=True, slots=True)
class Moment:
    """The wall clock, whether a time server keeps it, and the time since which boot."""

    wall_ms: int
    synchronised: bool
    boot: str
    monotonic_ms: int


def moment() -> Moment:
    """Now."""
    try:
        boot = BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""  # cannot be known: then no two moments are of one boot
    return Moment(
        wall_ms=time.time_ns() // 1_000_000,
        synchronised=is_synchronised(),
        boot=boot,
        monotonic_ms=time.monotonic_ns() // 1_000_000,
    )
