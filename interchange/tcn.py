"""Transaction control numbers: made once, on the device, unique for ever.

A TCN is ``{device}.{ULID}``: 48 bits of milliseconds and 80 random bits, 26 characters of Crockford's base
32. The random part alone keeps it unique, because a kiosk's clock cannot be trusted. The device's name in
front keeps one device from using up, by accident or malice, the numbers of another: the matcher accepts
only TCNs that begin with the name of the device whose topic they came on.
"""

from __future__ import annotations

import re
import secrets

from interchange.errors import MessageError
from interchange.topics import DEVICE_PATTERN, MAX_DEVICE_CHARACTERS, check_device

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 26 characters hold 130 bits, so the first one is at most 7.
TCN_PATTERN = rf"{DEVICE_PATTERN}\.[0-7][{_CROCKFORD}]{{25}}"
MAX_TCN_CHARACTERS = MAX_DEVICE_CHARACTERS + 1 + 26

_TCN = re.compile(TCN_PATTERN)
_MAX_MS = (1 << 48) - 1


def new_tcn(device: str, *, now_ms: int) -> str:
    """A new number for a submission of `device`. `now_ms` (since 1970) only makes numbers sort by age."""
    value = (min(max(now_ms, 0), _MAX_MS) << 80) | secrets.randbits(80)
    digits = "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))
    return f"{check_device(device)}.{digits}"


def check_tcn(tcn: str) -> str:
    """`tcn`, if it has the form of one. Raises MessageError."""
    if len(tcn) > MAX_TCN_CHARACTERS or not _TCN.fullmatch(tcn):
        raise MessageError("tcn", "expected DEVICE.ULID (26 characters of Crockford's base 32)")
    return tcn


def device_of(tcn: str) -> str:
    """Name of the device that made `tcn`. Raises MessageError if it has not the form of one."""
    return check_tcn(tcn).rpartition(".")[0]
