"""Tuned numbers of the authority, units in the names."""

from __future__ import annotations

AUTHORITY_YEARS = 20
"""Longer than the kiosks it speaks for; the root is replaced on purpose, not by surprise."""

DEVICE_DAYS = 398
"""A year and a month: what browsers allow, and long enough for a kiosk that stands switched off over a winter."""

BACKDATED_HOURS = 24
"""A Pi has no clock of its own: a certificate is valid a day before it was made."""

REVOCATION_DAYS = 3650
"""A revocation list that ran out would shut everybody out; it is written anew at every revocation."""

MAX_REQUEST_BYTES = 8192
"""A request with a P-256 key is below 600 bytes."""

DEVICE_GRACE_DAYS = 30
"""How long a device's keys count after it was given the next ones: longer than any message is under way."""

CENTRE_GRACE_DAYS = 400
"""How long the centre reads what is sealed to its older keys: a kiosk that was away learns of the new ones when it is
back, for as long as its certificate (DEVICE_DAYS) lets it back at all."""

INVITATION_HOURS = 24
"""How long a code is good where nobody says otherwise: a technician's day."""

MAX_INVITATION_DAYS = 30
"""A code is a key under the mat."""
