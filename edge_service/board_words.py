"""The board's codes and counts in words, for a technician at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from firmware.core import codes

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES: Final[Mapping[int, str]] = {
    codes.STATE_OFF: "the sensor is switched off",
    codes.STATE_POWERING: "the sensor is being switched on",
    codes.STATE_PROBING: "the sensor is being asked who it is",
    codes.STATE_READY: "ready",
    codes.STATE_WAITING_FINGER: "waits for a finger",
    codes.STATE_TAKING: "takes an image",
    codes.STATE_RECEIVING: "receives an image",
    codes.STATE_DONE: "has an image",
    codes.STATE_WAITING_LIFT: "waits for the finger to lift",
    codes.STATE_FAULT: "fault",
}

ERRORS: Final[Mapping[int, str]] = {
    codes.ERROR_OK: "",
    codes.ERROR_NO_FINGER: "nobody pressed in time",
    codes.ERROR_IMAGE_FAILED: "a finger was seen, no image could be made",
    codes.ERROR_CANCELLED: "cancelled",
    codes.ERROR_STILL_ON: "the finger was not lifted in time",
    codes.ERROR_SENSOR_SILENT: "the sensor does not answer",
    codes.ERROR_SENSOR_GARBLED: "the sensor's answers arrive damaged",
    codes.ERROR_SENSOR_LOCKED: "the sensor wants another password",
    codes.ERROR_SENSOR_UNKNOWN: "the sensor's images fit no known model",
    codes.ERROR_SENSOR_REFUSED: "the sensor refuses",
}

COUNTERS: Final[Mapping[str, str]] = {
    "boots": "starts of the board",
    "watchdog_resets": "starts because the firmware had stopped (watchdog)",
    "images": "images taken",
    "captures_failed": "captures that gave no image",
    "link_damaged": "frames from the Pi that were damaged",
    "link_too_long": "frames from the Pi that had no end",
    "link_bad_crc": "frames from the Pi with a wrong sum",
    "link_bad_mac": "frames from somebody without the key",
    "link_replayed": "frames that had been sent before",
    "link_unknown": "frames of an unknown type",
    "link_repeated": "questions of the Pi that came twice",
    "link_stalls": "frames that the Pi did not take in time",
    "sensor_damaged": "packets from the sensor that were damaged",
    "sensor_timeouts": "questions that the sensor did not answer",
    "sensor_power_cycles": "times the sensor was switched off and on",
    "sensor_refusals": "commands that the sensor refused",
    "chunks_again": "pieces of images that were sent again",
    "tampers": "times the lid was opened while paired",
    "pairings": "pairings",
    "updates": "updates of the firmware",
    "updates_refused": "updates that were refused",
    "fallbacks": "returns to the firmware before",
}


def state_words(state: int, error: int = codes.ERROR_OK) -> str:
    """What the board does, and what went wrong before."""
    words = STATES.get(state, f"state {state}")
    trouble = error_words(error)
    return f"{words} (last: {trouble})" if trouble else words


def error_words(error: int) -> str:
    """An error code in words; "" for none."""
    return ERRORS.get(error, codes.name_of("ERROR_", error).lower().replace("_", " "))


def counter_words(name: str) -> str:
    """A counter's name in words; one that a newer firmware has is shown by its name."""
    return COUNTERS.get(name, name.replace("_", " "))


def duration_words(ms: int) -> str:
    """A time that a person takes in at a glance: 12 s, 5 min, 3 h 20 min, 4 days."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
