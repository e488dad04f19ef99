"""Lines and time of the interpreter at hand: the unix port's MicroPython, or CPython."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name == "micropython":
    from firmware.unix.on_micropython import (
        MICROPYTHON,
        FdPort,
        now_us,
        sleep_us,
        wait_of,
    )
else:
    from firmware.unix.on_cpython import (
        MICROPYTHON,
        FdPort,
        now_us,
        sleep_us,
        wait_of,
    )

__all__ = ["MICROPYTHON", "FdPort", "now_us", "sleep_us", "wait_of"]
