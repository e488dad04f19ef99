"""Numbers of the serial protocol that the R307, R503, AS608 and ZFM-20 share, as far as the board needs them.

Values are those of the modules' manuals ("module instruction system" and "confirmation code"). The board has
its own list, because the Pi's driver may be left out or replaced, and the board's firmware may not.
"""

from firmware.core.compat import const

ADDRESS_BYTE = const(0xFF)
"""Every byte of the factory's address FFFFFFFF, the only one that the board speaks to."""

BAUD_UNIT = const(9600)

PID_COMMAND = const(0x01)
PID_DATA = const(0x02)
PID_ACK = const(0x07)
PID_END = const(0x08)

GEN_IMG = const(0x01)
UP_IMAGE = const(0x0A)
EMPTY = const(0x0D)
SET_SYS_PARA = const(0x0E)
READ_SYS_PARA = const(0x0F)
VFY_PWD = const(0x13)
TEMPLATE_COUNT = const(0x1D)
GET_IMAGE_EX = const(0x28)
READ_PROD_INFO = const(0x3C)

REGISTER_BAUD = const(4)
REGISTER_PACKET_SIZE = const(6)
PACKET_UNIT = const(32)
"""A data packet holds 32 << packet size code bytes."""
PACKET_SIZE_128 = const(2)
PACKET_SIZE_256 = const(3)

OK = const(0x00)
RECEIVE_ERROR = const(0x01)
NO_FINGER = const(0x02)
IMAGE_FAILED = const(0x03)
TOO_MESSY = const(0x06)
TOO_FEW_FEATURES = const(0x07)
UPLOAD_IMAGE_FAILED = const(0x0F)
WRONG_PASSWORD = const(0x13)
NO_VALID_IMAGE = const(0x15)
MUST_VERIFY_PASSWORD = const(0x21)
UNSUPPORTED = const(0xFC)
