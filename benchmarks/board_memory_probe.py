"""Runs on MicroPython: the firmware's loop with an eye on the heap, in place of the loader (see board_memory.py).

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
    highest = 0
    due = True
    while True:
        app.step()
        if app.session.state != _RECEIVING:
            due = True
            highest = 0
        else:
            highest = max(highest, _in_use())
            if due and app.image.length * 4 > app.image.expected * 3:
                due = False
                gc.collect()
                print(
                    "at",
                    app.image.length,
                    "of",
                    app.image.expected,
                    "live",
                    _in_use(),
                    "highest",
                    highest,
                )
                micropython.mem_info()
        app.rest()


root = sys.argv[0].rsplit("/", 1)[0]
sys.path.insert(0, root)
sys.path.insert(0, root + "/slot0")
from firmware.unix.main import build  # noqa: E402 - the path comes first

watch(build(root=root, slot=0, fell_back=False).app)
