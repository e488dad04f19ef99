"""Finger positions in words, numbered as in ISO/IEC 19794-2:2005, 7.3.2."""

from __future__ import annotations

UNKNOWN_FINGER = 0
FINGERS = (
    "unknown finger",
    "right thumb",
    "right index",
    "right middle",
    "right ring",
    "right little",
    "left thumb",
    "left index",
    "left middle",
    "left ring",
    "left little",
)


def finger_name(position: int) -> str:
    """The finger in words; the number itself for one that the standard does not have."""
    return FINGERS[position] if 0 <= position < len(FINGERS) else f"finger {position}"
