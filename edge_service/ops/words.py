"""Sizes and times in words that a person takes in at a glance."""

from __future__ import annotations

import ipaddress
from typing import Final

PROVISION: Final = (
    "Ask the centre for a code (there: matcher-service devices invite), then run here, as the service's user:"
    " sudo -u whorl edge-service provision CODE"
)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself, as the settings judge it: a number, or the name localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def size_words(count: float) -> str:
    """Bytes: 940 bytes, 12 KB, 3.4 MB, 1.2 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} bytes"


def time_words(seconds: float) -> str:
    """A time: 40 seconds, 12 minutes, 3 hours, 4 days."""
    for unit, scale in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= scale:
            return _counted(int(seconds // scale), unit)
    return _counted(int(seconds), "second")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
