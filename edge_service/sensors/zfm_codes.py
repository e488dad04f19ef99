"""Numbers of the serial protocol that the R307, R503, AS608 and ZFM-20 share.

Names and values are those of the modules' manuals ("module instruction system" and "confirmation code").
"""

from __future__ import annotations

from enum import IntEnum

DEFAULT_ADDRESS = 0xFFFFFFFF
BAUD_UNIT = 9600
PACKET_BYTES = (32, 64, 128, 256)
"""Content of a data packet, by the packet size code (system parameter 6)."""


class Pid(IntEnum):
    """Packet identifier: the byte after the address."""

    COMMAND = 0x01
    DATA = 0x02
    ACK = 0x07
    END = 0x08


class Instruction(IntEnum):
    """First byte of a command packet."""

    GEN_IMG = 0x01
    IMG2TZ = 0x02
    MATCH = 0x03
    SEARCH = 0x04
    REG_MODEL = 0x05
    STORE = 0x06
    LOAD = 0x07
    UP_CHAR = 0x08
    DOWN_CHAR = 0x09
    UP_IMAGE = 0x0A
    DOWN_IMAGE = 0x0B
    DELETE = 0x0C
    EMPTY = 0x0D
    SET_SYS_PARA = 0x0E
    READ_SYS_PARA = 0x0F
    SET_PWD = 0x12
    VFY_PWD = 0x13
    GET_RANDOM = 0x14
    SET_ADDR = 0x15
    READ_INF_PAGE = 0x16
    WRITE_NOTEPAD = 0x18
    READ_NOTEPAD = 0x19
    HIGH_SPEED_SEARCH = 0x1B
    TEMPLATE_COUNT = 0x1D
    READ_INDEX_TABLE = 0x1F
    GET_IMAGE_EX = 0x28
    CANCEL = 0x30
    AURA_LED = 0x35
    CHECK_SENSOR = 0x36
    GET_ALG_VER = 0x39
    GET_FW_VER = 0x3A
    READ_PROD_INFO = 0x3C
    SOFT_RST = 0x3D
    HANDSHAKE = 0x40
    GET_ECHO = 0x53


class Parameter(IntEnum):
    """Register number of SetSysPara."""

    BAUD = 4
    SECURITY = 5
    PACKET_SIZE = 6


class Confirmation(IntEnum):
    """First byte of an acknowledge packet."""

    OK = 0x00
    RECEIVE_ERROR = 0x01
    NO_FINGER = 0x02
    IMAGE_FAILED = 0x03
    TOO_MESSY = 0x06
    TOO_FEW_FEATURES = 0x07
    NO_MATCH = 0x08
    NOT_FOUND = 0x09
    CANNOT_COMBINE = 0x0A
    BAD_LOCATION = 0x0B
    INVALID_TEMPLATE = 0x0C
    UPLOAD_CHAR_FAILED = 0x0D
    CANNOT_RECEIVE_DATA = 0x0E
    UPLOAD_IMAGE_FAILED = 0x0F
    DELETE_FAILED = 0x10
    EMPTY_FAILED = 0x11
    WRONG_PASSWORD = 0x13
    NO_VALID_IMAGE = 0x15
    FLASH_ERROR = 0x18
    BAD_REGISTER = 0x1A
    BAD_CONFIGURATION = 0x1B
    BAD_NOTEPAD_PAGE = 0x1C
    MUST_VERIFY_PASSWORD = 0x21
    SENSOR_ABNORMAL = 0x29
    READY = 0x55
    UNSUPPORTED = 0xFC


def name_of(code: int, kind: type[IntEnum]) -> str:
    """A code as a log line shows it: its name where it has one, and its number always."""
    try:
        return f"{kind(code).name} (0x{code:02x})"
    except ValueError:
        return f"0x{code:02x}"
