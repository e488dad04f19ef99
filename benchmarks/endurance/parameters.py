"""Tuned numbers of the campaign, units in the names, and where each comes from."""

from __future__ import annotations

from typing import Final

# -- the site

DEVICE: Final = "kiosk-1"
ORI: Final = "MO0100000"  # made up
REPOSITORIES: Final = ("criminal",)
POSITIONS: Final = (2, 7)
"""Right and left index finger."""

IDENTITIES: Final = 100
"""Enrolled in each repository: enough that a search is one, few enough that a matcher is back in seconds."""

KNOWN_SHARE: Final = 0.2
"""Bookings of people who are enrolled."""

STATE_BYTES: Final = 16 * 1024 * 1024
"""The kiosk's disk. The spool with its thousand kept replies and its log takes some eight megabytes of it."""

MAX_SPOOLED: Final = 30
"""Bookings that may wait for delivery: few, so that an outage of ten seconds fills the spool."""

EDGE_SETTINGS: Final = (
    f"spool.max_submissions={MAX_SPOOLED}",
    "spool.max_bytes=4194304",
    # The reserve would keep the disk from ever being really full.
    "spool.disk_reserve_bytes=0",
)
LINK_SETTINGS: Final = (
    "broker.backoff_min_s=0.1",
    "broker.backoff_max_s=2.0",
    "broker.keepalive_s=5",
    "broker.connect_timeout_s=3.0",
)
"""As a site may set them, but shorter than shipped: a connection that heals within a minute there heals within seconds
here. What is sent again, and when, is as shipped."""

MATCHER_SETTINGS: Final = (
    "search.threads=1",
    # Who may search where is not what is tested here; and nothing is answered before it was searched.
    "routing.mode=everything",
    "routing.reply_deadline_s=600",
)

# -- the faults

FAULTS_PER_10_000: Final = {
    "edge_kill": 120,
    "matcher_kill": 60,
    "broker_kill": 60,
    "officer_kill": 30,
    "net_reset": 60,
    "net_cut": 50,
    "net_silence": 30,
    "net_half_open": 20,
    "net_delay": 30,
    "net_garble": 20,
    "disk_full": 20,
    "clock_jump": 20,
}
"""By judgement: one every twenty bookings, so that most fall on a system that still recovers from the last."""

LEAST_OF_EACH: Final = 2
"""In a short campaign too."""

LAST_FAULT_AT: Final = 0.97
"""Of the bookings; the rest is quiet."""

DURATION_S: Final = {
    "edge_kill": (0.0, 4.0),
    "matcher_kill": (0.0, 4.0),
    "broker_kill": (0.0, 6.0),
    "officer_kill": (0.0, 2.0),
    "net_reset": (0.0, 0.0),
    "net_cut": (0.5, 8.0),
    "net_silence": (0.5, 12.0),
    "net_half_open": (0.0, 0.0),
    "net_delay": (1.0, 8.0),
    "net_garble": (0.0, 0.0),
    "disk_full": (1.0, 8.0),
    "clock_jump": (2.0, 8.0),
}
"""Shortest and longest. What was killed is started again at the end; after 0 s there is nothing to be undone."""

DELAY_S: Final = (0.05, 1.0)
"""Of each piece of the stream, while the network is slow."""

CLOCK_JUMPS: Final = ("-40y", "-12y", "-2y", "+2y", "+7y", "+20y", "+100y")
"""Before the certificates were made, after they have run out, and past 2038."""

SPARED: Final = {
    "broker_kill": (0.0, 0.25),
    "officer_kill": (0.25, 0.5),
    "edge_kill": (0.5, 0.75),
    "matcher_kill": (0.75, 1.0),
}
"""Parts of the campaign in which a process is not killed, so that it gets old enough to show whether it grows."""

# -- the conductor

LOOK_S: Final = 0.05
SAMPLE_S: Final = 2.0
WARM_S: Final = 20.0
"""A process younger than this still grows because it starts."""

LONG_LIFE: Final = 300
"""Bookings over which growth can be told from noise."""

MAY_GROW_KIB: Final = 1024
"""Per 1,000 bookings: at 70 bookings a day that would be 25 MiB a year."""

MAY_GROW_HANDLES: Final = 2
"""Connections of the moment."""

COME_BACK_S: Final = 1.0
"""The pause before a process that ended by itself is started again (RestartSec is 2 s in deploy/systemd)."""

START_LIMIT_S: Final = 240.0
"""The first start of all compiles the search."""

STUCK_S: Final = 300.0
"""No new reply for so long: the campaign gives up, and that is its finding."""

# -- the officer

RATE_PER_S: Final = 6.0
MOST_OPEN: Final = 45
"""Bookings without a reply, from which on the officer waits: more than the spool takes, so that it does get full."""

LOOK_FOR_REPLIES_S: Final = 0.25
AGAIN_AFTER_S: Final = 0.3
"""Where the spool refused, before the same booking is taken again."""
