"""What runs once `main.py` has built it; the loader forgets main.py then, and its memory is used for better things."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.board.rp2_board import Rp2Board
    from firmware.core.app import App


class Application:
    """The app, and the light that goes with it."""

    def __init__(self, app: "App", board: "Rp2Board"):
        self._app = app
        self._board = board

    def run(self) -> None:
        """For ever."""
        step = self._app.step
        rest = self._app.rest
        light = self._board.step
        while True:
            step()
            light()
            rest()


def fill_with_random_bytes(buffer: bytearray) -> None:
    """From the ring oscillator (RP2040) or the random number generator (RP2350)."""
    buffer[:] = os.urandom(len(buffer))
