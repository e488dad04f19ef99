"""How often the red light blinks: the group of the error, as in the table of hardware/fault-tree.md."""

from firmware.core import codes
from firmware.core.compat import const

KIND = const(0x0F)
BLINKS_SHIFT = const(4)
"""A pattern of the light is one of codes.LED_* in the low four bits; above them, with a fault, the number of blinks."""

SILENT = const(1)
WRONG_ANSWERS = const(2)
STRANGERS = const(3)
UPDATE_FAILED = const(4)
BOARD_ITSELF = const(5)


def fault_pattern(blinks: int) -> int:
    """The pattern for a group."""
    return codes.LED_FAULT | blinks << BLINKS_SHIFT


def blinks_of(error: int) -> int:
    """The group of a sensor's error."""
    return SILENT if error == codes.ERROR_SENSOR_SILENT else WRONG_ANSWERS
