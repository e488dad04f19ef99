"""Tuned numbers of provisioning, units in the names."""

from __future__ import annotations

from typing import Final

RENEW_BEFORE_DAYS: Final = 60
"""From when the next certificate is asked for: two months of a broken connection before the kiosk is shut out."""

RENEW_AGAIN_S: Final = 6 * 3600.0
"""The pause before asking again, where no answer came or the centre would not."""

KEEP_PREVIOUS_DAYS: Final = 30
"""How long what is sealed to our last key, or signed with the centre's last one, is still read: longer than a message
waits at the broker (14 days in deploy/mosquitto)."""

LOOK_AFTER_KEYS_S: Final = 60.0
"""How often the uplink looks whether anything is to be renewed or erased."""

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024
