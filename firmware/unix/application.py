"""What runs once `main.py` has built it; the loader forgets main.py then, and its memory is used for better things."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.app import App
    from firmware.unix.heap import HeapWatch


class Application:
    """The app, and an eye on its memory."""

    def __init__(self, app: "App", heap: "HeapWatch"):
        self.app = app
        self._heap = heap

    def run(self) -> None:
        """For ever."""
        step = self.app.step
        rest = self.app.rest
        look = self._heap.look
        while True:
            step()
            look()
            rest()


def fill_with_random_bytes(buffer: bytearray) -> None:
    """From the operating system."""
    buffer[:] = os.urandom(len(buffer))
