"""The firmware on a Pico or a Pico 2: the loader (firmware/boot) imports this and calls `build`, then `run`."""

import gc
import sys

import machine
import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.board.application import Application

_CTRL_C_IS_A_BYTE = -1
_GARBAGE_BYTES = 16_384
"""The heap is swept after this much: a few milliseconds now and then, and never a search for a free piece."""


def build(root: str, slot: int, fell_back: bool) -> "Application":  # noqa: FBT001 - the loader names it
    """The application of one slot, ready to run."""
    # First the one large piece of memory: what is loaded later leaves no 36 KB in one piece.
    from firmware.core.image import IMAGE_CAPACITY_BYTES

    gc.collect()
    room = bytearray(IMAGE_CAPACITY_BYTES)
    micropython.kbd_intr(_CTRL_C_IS_A_BYTE)

    from firmware.board.application import Application, fill_with_random_bytes
    from firmware.board.rp2_board import Rp2Board
    from firmware.board.rp2_clock import Rp2Clock
    from firmware.board.sensor_uart import SensorUart
    from firmware.board.usb_serial import UsbSerial
    from firmware.boot.boot_state import BootState
    from firmware.core.app import App
    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.slots import Slots, updater_maker
    from firmware.core.store import Store
    from firmware.core.version import VERSION

    clock = Rp2Clock()
    uart = SensorUart()
    board = Rp2Board(uart=uart, clock=clock)
    store = Store(folder=root, counters=Counters())
    store.load()
    boot_state = BootState(root=root)

    make_updater = updater_maker(root=root, boot_state=boot_state, board=board, slot=slot, clock=clock)
    app = App(
        usb=UsbSerial(stdin=sys.stdin, stdout=sys.stdout),
        sensor=uart,
        board=board,
        clock=clock,
        store=store,
        image=ImageBuffer(room),
        random=fill_with_random_bytes,
        version=VERSION,
        unique_id=machine.unique_id(),
        slots=Slots(boot_state=boot_state, slot=slot, clock=clock, make_updater=make_updater),
        fell_back=fell_back,
    )
    gc.collect()
    gc.threshold(_GARBAGE_BYTES)
    return Application(app, board)
