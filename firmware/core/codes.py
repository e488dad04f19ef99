"""Every number of the link that has a name: types, errors, states, flags (docs/board-link.md).

Plain integers, because MicroPython has no enumerations; the groups are told apart by the front of the name.
A number once given is never given again.
"""

from firmware.core.compat import const

# Requests, Pi to board. The answer's type is the request's + ANSWER.
IDENTIFY = const(0x01)
STATUS = const(0x02)
CAPTURE = const(0x03)
WAIT_LIFT = const(0x04)
CANCEL = const(0x05)
GET_CHUNKS = const(0x06)
RELEASE = const(0x07)
POWER_CYCLE = const(0x08)
COUNTERS = const(0x09)
PAIR = const(0x0A)
UNPAIR = const(0x0B)
REBOOT = const(0x0C)
SENSOR = const(0x0D)
CONFIRM = const(0x0E)
CONFIGURE = const(0x0F)
UPDATE_BEGIN = const(0x10)
UPDATE_MANIFEST = const(0x11)
UPDATE_FILE = const(0x12)
UPDATE_WRITE = const(0x13)
UPDATE_END = const(0x14)
UPDATE_ABORT = const(0x15)

LAST_REQUEST = const(0x3F)
ANSWER = const(0x80)

# Events, board to Pi, of the board's own accord.
EVENT_STATE = const(0x60)
EVENT_IMAGE = const(0x61)
EVENT_CHUNK = const(0x62)
EVENT_IMAGE_END = const(0x63)
EVENT_TAMPER = const(0x64)

# Errors: the first byte of every answer, and in STATE.
ERROR_OK = const(0)
ERROR_PROTOCOL = const(1)
ERROR_NOT_PAIRED_WITH_YOU = const(2)
ERROR_UNPAIRED = const(3)
ERROR_UNKNOWN_REQUEST = const(4)
ERROR_BAD_BODY = const(5)
ERROR_BUSY = const(6)
ERROR_NO_SUCH_IMAGE = const(7)
ERROR_NOT_ALLOWED = const(8)
ERROR_LID_OPEN = const(9)
ERROR_NO_SESSION = const(10)
ERROR_NO_FINGER = const(20)
ERROR_IMAGE_FAILED = const(21)
ERROR_CANCELLED = const(22)
ERROR_STILL_ON = const(23)
ERROR_SENSOR_SILENT = const(30)
ERROR_SENSOR_GARBLED = const(31)
ERROR_SENSOR_LOCKED = const(32)
ERROR_SENSOR_UNKNOWN = const(33)
ERROR_SENSOR_REFUSED = const(34)
ERROR_UPDATE_WRONG_BOARD = const(40)
ERROR_UPDATE_BAD_MANIFEST = const(41)
ERROR_UPDATE_BAD_HASH = const(42)
ERROR_UPDATE_NO_ROOM = const(43)
ERROR_UPDATE_ORDER = const(44)
ERROR_UPDATE_STORAGE = const(45)

# What the sensor session is doing.
STATE_OFF = const(0)
STATE_POWERING = const(1)
STATE_PROBING = const(2)
STATE_READY = const(3)
STATE_WAITING_FINGER = const(4)
STATE_TAKING = const(5)
STATE_RECEIVING = const(6)
STATE_DONE = const(7)
STATE_WAITING_LIFT = const(8)
STATE_FAULT = const(9)

# Flags, in IDENTIFY, STATUS and STATE.
FLAG_PAIRED = const(0x01)
FLAG_TAMPERED = const(0x02)
FLAG_SESSION = const(0x04)
FLAG_LID_OPEN = const(0x08)
FLAG_BUTTON = const(0x10)
FLAG_TRIAL = const(0x20)  # new firmware that nobody has confirmed yet
FLAG_EMPTIED = const(0x40)  # the sensor's library held templates and was emptied

# What this board can do, in IDENTIFY.
CAN_DETECT = const(0x01)
CAN_SWITCH_SENSOR = const(0x02)
CAN_TAMPER = const(0x04)
CAN_BUTTON = const(0x08)
CAN_LIGHT = const(0x10)
CAN_UPDATE = const(0x20)
CAN_WATCHDOG = const(0x40)

# Why the board started.
RESET_UNKNOWN = const(0)
RESET_POWER = const(1)
RESET_WATCHDOG = const(2)
RESET_ASKED = const(3)
RESET_FALL_BACK = const(4)
RESET_BROWN_OUT = const(5)

# Which board, and which sensor.
BOARD_RP2040 = const(1)
BOARD_RP2350 = const(2)
BOARD_UNIX = const(3)

MODEL_UNKNOWN = const(0)
MODEL_R307 = const(1)
MODEL_R503 = const(2)
MODEL_AS608 = const(3)
MODEL_ZFM20 = const(4)
MODEL_OTHER = const(255)

# Patterns of the light.
LED_OFF = const(0)
LED_STARTING = const(1)
LED_READY = const(2)
LED_PRESS = const(3)
LED_HOLD = const(4)
LED_DONE = const(5)
LED_FAULT = const(6)
LED_TAMPER = const(7)
LED_UPDATE = const(8)


def name_of(group: str, code: int) -> str:
    """The name behind a number: `name_of("ERROR_", 6)` is "BUSY"; a number without a name is written out."""
    for name, value in globals().items():
        if name.startswith(group) and value == code:
            return name[len(group) :]
    return str(code)
