"""The language of the light: one pattern for each state of the sensor session."""

from firmware.core import codes

_PATTERNS = {
    codes.STATE_OFF: codes.LED_STARTING,
    codes.STATE_POWERING: codes.LED_STARTING,
    codes.STATE_PROBING: codes.LED_STARTING,
    codes.STATE_READY: codes.LED_READY,
    codes.STATE_WAITING_FINGER: codes.LED_PRESS,
    codes.STATE_TAKING: codes.LED_HOLD,
    codes.STATE_RECEIVING: codes.LED_HOLD,
    codes.STATE_DONE: codes.LED_DONE,
    codes.STATE_WAITING_LIFT: codes.LED_DONE,
    codes.STATE_FAULT: codes.LED_FAULT,
}
"""While the image is received the finger may go, but a person who lifts it early must press again after a fault of
the wire: hold. Done asks for the lift, so it stays until the window is empty."""


def led_of(state: int) -> int:
    """The pattern, one of `codes.LED_*`, for one of `codes.STATE_*`."""
    return _PATTERNS[state]
