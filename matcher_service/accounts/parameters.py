"""Tuned numbers of accounts, units in the names."""

from __future__ import annotations

from typing import Final

ARGON2_TIME_COST: Final = 3
ARGON2_MEMORY_KIB: Final = 64 * 1024
ARGON2_LANES: Final = 4
"""RFC 9106, section 4, the second recommended option: Argon2id, t=3, m=64 MiB, p=4, above the least that OWASP's
password storage cheat sheet asks for (m=19 MiB, t=2, p=1). About 0.1 s on a core."""

HASHES_AT_ONCE: Final = 4
"""Each takes ARGON2_MEMORY_KIB: more at once, and strangers at the door could fill the memory."""

PASSWORD_MIN_CHARACTERS: Final = 12
PASSWORD_MAX_CHARACTERS: Final = 128
"""NIST SP 800-63B, 5.1.1.2: at least 8, at least 64 to be allowed, no rules on kinds of characters. Twelve, because it
opens people's records; the upper end keeps hashing bounded."""

FIRST_PASSWORD_HOURS: Final = 72
"""How long a password that an administrator hands over may be changed: over a weekend."""

TOTP_STEP_S: Final = 30
TOTP_DRIFT_STEPS: Final = 1
"""RFC 6238, 5.2: one step back and one ahead."""

RECOVERY_CODES: Final = 8
RECOVERY_CODE_BYTES: Final = 10
"""80 random bits each (NIST SP 800-63B, 5.1.2 asks for 20 at least): a plain hash keeps them."""

FREE_FAILURES: Final = 3
DELAY_FIRST_S: Final = 5
DELAY_MOST_S: Final = 900
"""After three wrong tries in a row each further one waits, twice as long each time, up to a quarter of an hour: at most
about a hundred tries a day, and no account is lost by a bad morning."""

MOST_FAILURES: Final = 100
"""NIST SP 800-63B, 5.2.2: no more than 100 in a row; then an administrator has to unlock the account."""

SOURCE_FREE_FAILURES: Final = 10
SOURCE_FORGOTTEN_S: Final = 3600
"""From one address, whatever the names: a jail's officers share one. Forgotten after an hour without a failure."""

IDLE_MINUTES: Final = 30
"""CJIS Security Policy, session lock: at most 30 minutes of inactivity."""

ABSOLUTE_HOURS: Final = 12
"""A shift (NIST SP 800-63B, 4.2.3: at most 12 hours at AAL2)."""

SEEN_EVERY_S: Final = 30
"""How often a session's last use is written down: not with every picture of a page."""

CLOCK_BACK_S: Final = 300
"""A session that was last seen this far in the future is ended: the clock was set back, and its limits with it."""

OIDC_LOGIN_MINUTES: Final = 10
"""How long the way to the identity provider and back may take."""

OIDC_MOST_WAITING: Final = 500
"""People on that way at once: more is somebody who fills the table."""

OIDC_LEEWAY_S: Final = 60
"""By how much two machines' clocks may differ."""

OIDC_KEEP_KEYS_S: Final = 3600
"""How long the provider's keys are kept; an unknown key fetches them again at once, but not more often than
OIDC_FETCH_PAUSE_S."""

OIDC_FETCH_PAUSE_S: Final = 30
OIDC_MAX_BYTES: Final = 256 * 1024
"""Of an answer of the provider; discovery and keys are a few kilobytes."""

REQUEST_HOURS: Final = 72
"""How long something that two people decide waits for the second."""

USE_HOURS: Final = 24
"""How long what was approved may be used."""
