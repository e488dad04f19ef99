"""Tuned numbers of the OSIA interface, units in the names."""

from __future__ import annotations

from typing import Final

POLL_S: Final = 1.0
"""How often it is looked what is due, when nobody woke the work: as often as notification looks."""

COLLECT_S: Final = 5.0
"""How often new identifications are looked for: a person has confirmed them, and that took minutes."""

PURGE_S: Final = 600.0
"""How often what is over is thrown away."""

BATCH: Final = 50
"""Messages taken up in one transaction, and identifications looked at for one subscription, as in notification."""

POSTS_AT_ONCE: Final = 32
"""Posts under way to all receivers together; each receiver has at most `notify.parameters.WEBHOOK_AT_ONCE`."""

MAX_SUBSCRIPTIONS: Final = 32
MAX_TOPICS: Final = 32
"""Of one client: a registry has a few systems behind it, and nobody needs a topic for each person."""

MAX_MESSAGES: Final = 5000
"""Of one client, waiting to be delivered. A day's encounters of a busy office; past that nothing is taken on."""

MAX_TASKS: Final = 100
"""Of one client, waiting to be run. A search takes a fraction of a second: half a minute's work."""

MAX_PUBLISHED_BYTES: Final = 16 * 1024
MAX_SUBJECT: Final = 100

CONFIRM_WITHIN_HOURS: Final = 72
"""How long a subscription waits for its confirmation; then it is forgotten."""

DEFAULT_POLICY: Final = (3600, 168)
"""OSIA's own: again after an hour, 168 times, which is a week."""

LEAST_COUNTDOWN_S: Final = 5
LONGEST_COUNTDOWN_S: Final = 86_400
MOST_RETRIES: Final = 1000
"""Nothing is tried for ever."""

KEEP_DAYS: Final = 7
"""How long a result that was not taken can be asked for again (`redeliver`), and a task's status be read."""

LEASE_S: Final = 120.0
"""A task that is taken up belongs to one process for so long. A search of a million takes seconds."""

MOST_TRIES: Final = 3
"""A task that ended the process so often is answered with an error."""

HELD_AGAIN_S: Final = 60.0
"""When a message that may not go now is looked at again."""

STOP_WAIT_S: Final = 5.0
"""At the end, how long what is under way is waited for; what is not done then is done at the next start."""
