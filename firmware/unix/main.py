"""The firmware on a machine with an operating system: for the bench, and for CPython's debugger.

    micropython -X heapsize=264k -m firmware.unix root=/tmp/flash usb=5 pins=6 sensor=/dev/ttyUSB0
    python -m firmware.unix root=/tmp/flash usb=5 pins=6 sensor=/dev/ttyUSB0

Words: `root` its flash, a folder; `usb` and `pins` descriptors that do not block (or paths), `sensor` a terminal;
`cause` why it starts, one of codes.RESET_*; `detect` 1 with a finger-detect line; `unique` the board's number, 16
hexadecimal digits; `haste` how many times as fast its clock goes. `firmware/boot/main.py` takes the same words and
says root by where it lies.
"""

import binascii
import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.unix.application import Application

_UNIQUE = "77686f726c000001"


def build(root: str, slot: int, fell_back: bool) -> "Application":  # noqa: FBT001 - the loader names it
    """The application of one slot, ready to run. What is in the words comes from sys.argv."""
    # First the one large piece of memory: what is loaded later, and was garbage since, leaves no 36 KB in one piece.
    from firmware.core.image import IMAGE_CAPACITY_BYTES

    gc.collect()
    room = bytearray(IMAGE_CAPACITY_BYTES)

    from firmware.boot.boot_state import BootState
    from firmware.core.app import App
    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.slots import Slots, updater_maker
    from firmware.core.store import Store
    from firmware.core.version import VERSION
    from firmware.unix.application import Application, fill_with_random_bytes
    from firmware.unix.heap import HeapWatch
    from firmware.unix.interpreter import FdPort
    from firmware.unix.sensor_port import SensorUart
    from firmware.unix.unix_board import UnixBoard
    from firmware.unix.unix_clock import UnixClock

    words = _words()
    clock = UnixClock(haste=int(words.get("haste", "1")))
    board = UnixBoard(
        pins=FdPort(_where(words["pins"])) if "pins" in words else None,
        clock=clock,
        reset_cause=int(words.get("cause", "0")),
        has_detect_line=words.get("detect", "1") == "1",
    )
    usb = FdPort(_where(words["usb"]))
    clock.watch(usb.pollable)
    store = Store(folder=root, counters=Counters())
    store.load()
    boot_state = BootState(root=root)

    slots = None
    if slot >= 0:
        make_updater = updater_maker(root=root, boot_state=boot_state, board=board, slot=slot, clock=clock)
        slots = Slots(boot_state=boot_state, slot=slot, clock=clock, make_updater=make_updater)
    app = App(
        usb=usb,
        sensor=SensorUart(words["sensor"], clock=clock),
        board=board,
        clock=clock,
        store=store,
        image=ImageBuffer(room),
        random=fill_with_random_bytes,
        version=VERSION,
        unique_id=binascii.unhexlify(words.get("unique", _UNIQUE)),
        slots=slots,
        fell_back=fell_back,
    )
    gc.collect()
    return Application(app, HeapWatch(app=app, board=board, clock=clock))


def main() -> None:
    """Without a loader: the sources as they are, and no slots."""
    build(root=_words()["root"], slot=-1, fell_back=False).run()


def _words() -> "dict[str, str]":
    return dict([word.split("=", 1) for word in sys.argv[1:] if "=" in word])


def _where(word: str) -> "int | str":
    return int(word) if word.isdigit() else word
