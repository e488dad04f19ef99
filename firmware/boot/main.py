"""/main.py of the board: what MicroPython starts by itself. It has the loader build the application, and runs it.

The loader and whatever only served the start are forgotten before the run: the image transfer needs the memory.
"""

import gc
import sys

import micropython  # pyright: ignore[reportMissingImports]

# The Pi may speak already, and what it says has 03 in it, which is Ctrl-C to the interpreter: so this comes first.
micropython.kbd_intr(-1)

from loader import start  # noqa: E402 - see above

application = start(__file__.rpartition("/")[0])
del start
for name in ("loader", "boot_state"):
    del sys.modules[name]
gc.collect()
try:
    application.run()
except Exception as error:
    sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]

del application
gc.collect()
# The loader was forgotten; should there be no memory for it now, the watchdog starts the board again.
from loader import reboot  # noqa: E402 - see above

reboot()
