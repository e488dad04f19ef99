"""The loader: on the flash beside main.py, put there once and never changed by an update.

It chooses the slot, makes sure that the slot's files are what its manifest says, and starts the application in it.

    slot on trial, started TRIAL_BOOTS times and never confirmed   the other slot, from now on
    manifest or a file missing or damaged                          the other slot
    an error while the application is built                        the other slot
    an error while it runs                                         start again (on trial: three times)
    the other slot cannot start either                             rescue: a blinking light and the prompt

What it relies on, and an application therefore has to give (docs/firmware-update.md): `/slotN/manifest.json` with
"entry" and "files"; the entry's `build(root, slot, fell_back)`, and `run()` of what that returns.

On the unix port a start that has to be repeated ends the interpreter with REBOOT_STATUS, a rescue with
RESCUE_STATUS; whoever plays the board starts it again, or does not.
"""

import binascii
import hashlib
import json
import sys

import micropython  # pyright: ignore[reportMissingImports]
from boot_state import (
    FALL_BACK_RAISED,
    FALL_BACK_UNCONFIRMED,
    FALL_BACK_UNREADABLE,
    TRIAL_BOOTS,
    BootState,
)

REBOOT_STATUS = 75
RESCUE_STATUS = 76

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

WATCHDOG_MS = 8000  # the RP2040 counts to 8388
BLINK_MS = 150
PIECE_BYTES = 1024

kept = []  # the blinking timer, which must outlive the function that made it


class NoSlotStarts(Exception):  # noqa: N818 - reads as what it is
    """Ends the loader at the prompt."""


def start(root: str):
    """From power to the application, which the caller runs, and starts again whatever ends it: `reboot`."""
    arm_watchdog()
    state = BootState(root=root)
    if state.on_trial and state.trial_boots >= TRIAL_BOOTS:
        fall_back(state, root, FALL_BACK_UNCONFIRMED)
    if state.on_trial:
        if_it_can(state.count_trial_boot)
    entry = entry_of(root, state.active)
    if entry is None:
        fall_back(state, root, FALL_BACK_UNREADABLE)
    try:
        return build(root, state, entry)
    except Exception as error:
        sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
        fall_back(state, root, FALL_BACK_RAISED)


def build(root: str, state: BootState, entry: str):
    """Import the entry from the active slot and have it make its application."""
    sys.path.insert(0, slot_folder(root, state.active))
    module = __import__(entry, None, None, ("build",))
    fell_back = state.untold
    application = module.build(root=root, slot=state.active, fell_back=fell_back)
    if fell_back:
        if_it_can(state.told)
    forget(entry)
    return application


def forget(module: str) -> None:
    """Give the memory of a module back that only builds, and of the packages above it, which hold on to it."""
    while module:
        sys.modules.pop(module, None)
        module = module.rpartition(".")[0]


def fall_back(state: BootState, root: str, reason: int) -> "NoReturn":
    """Make the other slot the active one and start again, from a clean memory; without one, rescue."""
    other = 1 - state.active
    if state.failed >> other & 1 or entry_of(root, other) is None:
        if_it_can(state.forget_failures)  # after the next power cycle both get another chance
        rescue()
    if not if_it_can(lambda: state.fall_back(reason)):
        rescue()  # a flash that takes nothing: better a blinking light than a start without end
    reboot()


def if_it_can(change: "Callable[[], None]") -> bool:
    """Save a change; False when the flash refuses, which must not keep a good version from starting."""
    try:
        change()
    except OSError as error:
        sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue]
        return False
    return True


def entry_of(root: str, slot: int):
    """The entry that a slot's manifest names, if every file in the slot is what the manifest says; else None."""
    folder = slot_folder(root, slot)
    try:
        with open(folder + "/manifest.json", "rb") as file:
            manifest = json.loads(file.read())
        for each in manifest["files"]:
            if digest_of(folder + "/" + each["path"]) != binascii.unhexlify(each["sha256"]):
                return None
        return manifest["entry"]
    except (OSError, ValueError, KeyError, TypeError, MemoryError, RuntimeError):
        return None


def digest_of(path: str) -> bytes:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    piece = bytearray(PIECE_BYTES)
    view = memoryview(piece)
    with open(path, "rb") as file:
        count = file.readinto(piece)
        while count:
            digest.update(view[:count])
            count = file.readinto(piece)
    return digest.digest()


def slot_folder(root: str, slot: int) -> str:
    """Where a slot lies."""
    return root + "/slot" + str(slot)


def arm_watchdog() -> None:
    """Start the watchdog, before anything that may hang. The unix port has none: whoever plays the board does."""
    try:
        from machine import WDT  # pyright: ignore[reportMissingImports]
    except ImportError:
        return
    WDT(timeout=WATCHDOG_MS)


def reboot() -> "NoReturn":
    """Start again."""
    try:
        from machine import reset  # pyright: ignore[reportMissingImports]

        reset()
    except ImportError:
        pass
    sys.exit(REBOOT_STATUS)


def rescue() -> "NoReturn":
    """Blink fast and give the prompt, for `mpremote`; the watchdog is fed by the same timer that blinks."""
    try:
        from machine import WDT, Pin, Timer  # pyright: ignore[reportMissingImports]
    except ImportError:
        sys.exit(RESCUE_STATUS)
    watchdog = WDT(timeout=WATCHDOG_MS)
    try:
        light = Pin("LED", Pin.OUT)
    except ValueError:  # a board without one of its own
        light = None

    def blink(_: object):
        watchdog.feed()
        if light is not None:
            light.toggle()

    kept.append(Timer(-1, period=BLINK_MS, mode=Timer.PERIODIC, callback=blink))
    micropython.kbd_intr(3)
    # SystemExit would start everything again; any other exception that nobody catches ends at the prompt.
    raise NoSlotStarts("install the firmware again: docs/firmware-update.md")
