"""Tuned numbers of the authority, units in the names."""

from __future__ import annotations

AUTHORITY_YEARS = 20
"""Longer than the kiosks it speaks for; the root is replaced on purpose, not by surprise."""

DEVICE_DAYS = 398
"""A year and a month: what browsers allow, and long enough for a kiosk that stands switched off over a winter."""

RENEW_BEFORE_DAYS = 60
"""From when a device asks for the next one: two months of a broken connection before it is shut out."""

BACKDATED_HOURS = 24
"""A Pi has no clock of its own: a certificate is valid a day before it was made."""

REVOCATION_DAYS = 3650
"""A revocation list that ran out would shut everybody out; it is written anew at every revocation."""

MAX_REQUEST_BYTES = 8192
"""A request with a P-256 key is below 600 bytes."""
