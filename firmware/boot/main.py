"""/main.py of the board: what MicroPython starts by itself. All it does is start the loader."""

import micropython  # pyright: ignore[reportMissingImports]

# The Pi may speak already, and what it says has 03 in it, which is Ctrl-C to the interpreter: so this comes first.
micropython.kbd_intr(-1)

from loader import start  # noqa: E402 - see above

start(__file__.rpartition("/")[0])
