"""Tuned numbers of the bench, units in the names, and where each comes from."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from edge_service.sensors.zfm_codes import Instruction

if TYPE_CHECKING:
    from collections.abc import Mapping

BITS_PER_BYTE_ON_WIRE = 10
"""One start bit, eight data bits, one stop bit, no parity (R503 manual, "serial communication protocol")."""

BOOT_S = 0.1
"""Deaf after power-up: the R503's manual says 50 ms, users of the R307 see up to 200 ms."""

PROCESSING_S: Mapping[int, float] = MappingProxyType(
    {Instruction.GEN_IMG: 0.2, Instruction.GET_IMAGE_EX: 0.2, Instruction.IMG2TZ: 0.3, Instruction.EMPTY: 0.1}
)
"""Time before the answer when bytes are paced: the R503's manual gives below 0.2 s for an image and below
0.5 s for features; erasing flash is a guess."""

PACED_CHUNK_BYTES = 16
"""Paced bytes leave in groups of this size, as from a UART with a 16-byte FIFO."""

HOST_STALL_S = 2.0
"""A real UART has no flow control: when nobody takes the bytes away for so long, they are lost."""

FULL_PTY_POLL_S = 0.01
"""How often a full pseudo-terminal is tried again; the kernel does not promise a wake-up."""

CONTROL_S = 10.0
"""Longest wait until the emulator has done as it was told; it takes milliseconds."""

PRINT_BLOCK_PX = 16
"""Side of the blocks by which the print is told from the background: about two ridge periods at 500 dpi."""

PRINT_BLOCK_STD = 12.0
"""Grey-level deviation from which a block counts as print. Measured on FVC2002 DB1-4_B: background is
below 7, ridges lie between 16 and 74."""

FINGERPRINT_MIN_STD = 8.0
"""Grey-level deviation of a whole window below which the emulated module finds no features in it."""

# -- the wire between two ends (wire.py)

WIRE_LANE_BYTES = 4096
"""What is under way at most before the sender is no longer read; the kernel holds some 18 KB more in each
pseudo-terminal (measured on Linux 6.18)."""

WIRE_HOST_UNREAD_BYTES = 3000
"""Of a USB device the host's kernel takes no more when the program there has this many bytes to read: Linux stops at
some 4 KB (n_tty throttles the port, cdc-acm then asks the device for nothing)."""

WIRE_FULL_POLL_S = 0.002
"""How often a full end is tried again: Linux calls a full pseudo-terminal writable, so waiting for that spins."""

WIRE_REOPEN_S = 0.01
"""How often a device that is not there is looked for."""

# -- the virtual board (virtual_board.py)

BOARD_POLL_S = 0.005
"""How often the virtual board looks whether a finger lies on the sensor: well below any debounce."""

FINGER_PAUSE_S = 0.3
"""With a detect line, the window stays empty for this long between two fingers that wait: a quick person."""

BOARD_WATCHDOG_S = 8.0
"""As on the board: firmware/boot/main.py, WATCHDOG_MS."""

BOARD_START_S = 20.0
"""Longest wait until the firmware has started: CPython on a busy machine; MicroPython takes 0.1 s."""
