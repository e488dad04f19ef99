"""Tuned numbers of notification, units in the names."""

from __future__ import annotations

from typing import Final

POLL_S: Final = 1.0
"""How often it is looked what is due, when nobody woke the delivery: a notification is no faster than a person."""

LOOK_S: Final = 60.0
"""How often what is held, and what is overdue, is looked at without a cause: a rule that begins tells nobody."""

HELD_LOOKED_AT: Final = 200
"""Identifications looked at each time, in turn: some may be held for years, and each costs some milliseconds."""

REFUSALS_AUDITED_EVERY_S: Final = 60.0
"""Of one subscriber's refused receipts one a minute goes into the audit, so that nobody can flood it."""

BATCH: Final = 50
"""Notifications taken up in one transaction: others wait for it, and 50 are sealed in a fifth of a second."""

BACKOFF_FIRST_S: Final = 5.0
BACKOFF_LONGEST_S: Final = 3600.0
"""Pauses between attempts: doubled from the first to the longest, and cut at random by up to a half, so that those of
a subscriber that comes back do not all arrive in one second."""

NO_BROKER_RETRY_S: Final = 5.0
"""Where there is no connection nothing was sent: looked at again soon, and not counted as an attempt."""

TOPIC_GIVE_UP_DAYS: Final = 14
"""As long as the broker keeps a subscriber's session (deploy/mosquitto/whorl.conf): then it is dead, and kept."""

WEBHOOK_GIVE_UP_HOURS: Final = 24
"""A receiver may be down for a day; longer than that, people have to speak to each other."""

LEAST_ATTEMPTS: Final = 20
"""Nothing is given up before it was tried so often, however far the clock has jumped: in 24 hours there are some 30."""

WEBHOOK_AT_ONCE: Final = 4
"""Posts under way to one subscriber; more wait in the database, so that one that hangs holds nothing else up."""

MAX_WORDS: Final = 500
MAX_GROUNDS: Final = 2000
"""Characters of what a person writes: the reason of a retraction, the grounds of a challenge."""

SECRET_BYTES: Final = 32
"""Of a webhook's secret: as long as the output of HMAC-SHA256 (RFC 2104, section 3)."""

STOP_WAIT_S: Final = 2.0
"""At the end, how long what is under way is waited for. What is not done then is sent again."""

ANNOUNCED_BY = 3
"""New keys are announced by so many older generations: a year each, and a header stays below 8 kB."""
