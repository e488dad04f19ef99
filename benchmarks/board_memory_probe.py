"""Runs on MicroPython: the firmware's loop with an eye on the heap, in place of main.py (see board_memory.py).

When three quarters of an image are there it collects the garbage once and prints `micropython.mem_info` on the
standard output, which is the virtual board's log; what was in use without collecting is printed beside it.
"""

import gc
import sys

import micropython  # pyright: ignore[reportMissingImports] - MicroPython's

_in_use = gc.mem_alloc  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's

_RECEIVING = 6


TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.app import App


def watch(app: "App") -> None:
    """The firmware's loop, for ever."""
    image = app.session._image  # noqa: SLF001 - `app.image` is for tests, and not in what boards get
    highest = 0
    due = True
    while True:
        app.step()
        if app.session.state != _RECEIVING:
            due = True
            highest = 0
        else:
            highest = max(highest, _in_use())
            if due and image.length * 4 > image.expected * 3:
                due = False
                gc.collect()
                print(
                    "at",
                    image.length,
                    "of",
                    image.expected,
                    "live",
                    _in_use(),
                    "highest",
                    highest,
                )
                micropython.mem_info()
        app.rest()


# As firmware/boot/main.py does it.
from loader import start  # noqa: E402 # pyright: ignore[reportMissingImports] - on the board's flash

application = start(__file__.rpartition("/")[0])
del start
for _name in ("loader", "boot_state"):
    del sys.modules[_name]
gc.collect()
watch(application.app)
