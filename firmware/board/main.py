"""The firmware on a Pico or a Pico 2: the loader (firmware/boot) imports this and calls `build`, then `run`."""

import gc
import os
import sys

import machine
import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.board.rp2_board import Rp2Board
    from firmware.core.app import App
    from firmware.core.update import Updater

_CTRL_C_IS_A_BYTE = -1
_GARBAGE_BYTES = 16_384
"""The heap is swept after this much: a few milliseconds now and then, and never a search for a free piece."""


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


def build(root: str, slot: int, fell_back: bool) -> Application:  # noqa: FBT001 - the loader names it
    """The application of one slot, ready to run."""
    # First the one large piece of memory: what is loaded later leaves no 36 KB in one piece.
    from firmware.core.image import ImageBuffer

    gc.collect()
    image = ImageBuffer()
    micropython.kbd_intr(_CTRL_C_IS_A_BYTE)

    from firmware.board.rp2_board import Rp2Board
    from firmware.board.rp2_clock import Rp2Clock
    from firmware.board.sensor_uart import SensorUart
    from firmware.board.usb_serial import UsbSerial
    from firmware.boot.boot_state import BootState
    from firmware.core.app import App
    from firmware.core.counters import Counters
    from firmware.core.slots import Slots
    from firmware.core.store import Store
    from firmware.core.version import VERSION

    clock = Rp2Clock()
    uart = SensorUart()
    board = Rp2Board(uart=uart, clock=clock)
    store = Store(folder=root, counters=Counters())
    store.load()
    boot_state = BootState(root=root)

    def make_updater() -> "Updater":
        from firmware.core.flash import Flash
        from firmware.core.update import Updater

        return Updater(
            flash=Flash(root=root),
            boot_state=boot_state,
            board_name=board.name,
            slot=slot,
            clock=clock,
            progress=board.feed_watchdog,
        )

    app = App(
        usb=UsbSerial(stdin=sys.stdin, stdout=sys.stdout),
        sensor=uart,
        board=board,
        clock=clock,
        store=store,
        image=image,
        random=_fill_with_random_bytes,
        version=VERSION,
        unique_id=machine.unique_id(),
        slots=Slots(boot_state=boot_state, slot=slot, clock=clock, make_updater=make_updater),
        fell_back=fell_back,
    )
    gc.collect()
    gc.threshold(_GARBAGE_BYTES)
    return Application(app, board)


def _fill_with_random_bytes(buffer: bytearray) -> None:
    """From the ring oscillator (RP2040) or the random number generator (RP2350)."""
    buffer[:] = os.urandom(len(buffer))
