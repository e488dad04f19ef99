"""Tuned numbers of the edge service. Settings may override those that a site has reason to change."""

from __future__ import annotations

from typing import Final

# How long one finger may take to appear: an officer who takes ten fingers in a minute and a half needs
# seconds; a person who struggles needs more.
FINGER_WAIT_S: Final = 60.0

# How long a finger may stay on the window after its image was taken, before the next one is given up.
LIFT_WAIT_S: Final = 30.0

# Presses of one finger before the best of them is taken (three is the usual limit at livescan stations).
CAPTURE_ATTEMPTS: Final = 3
# Below this finger quality (0-100) another press is asked for: 45 fails one time in six (docs/quality.md), and four of
# the 320 prints of the development set, seen through the sensor's window, lie below it.
MIN_FINGER_QUALITY: Final = 45

# Images of one press of which the best is kept, and looks of the sensor before an image is fetched. A look costs
# some 0.2 s and the first one is taken while the finger still comes down; an image costs 3.5 s with the finger held.
CAPTURES: Final = 1
LOOKS: Final = 3

# How long `book` waits for the reply before it says "queued". A search takes well under a second.
REPLY_TIMEOUT_S: Final = 10.0

# Without the matcher's acknowledgement a submission is sent again after this time; the matcher tells by the
# TCN that it has it already. Long enough for a matcher that is starting (its first search compiles).
RESEND_AFTER_S: Final = 15.0
# The pause before asking for a reply that has not come; acknowledged submissions have nothing to resend.
ASK_FOR_REPLY_AFTER_S: Final = 10.0
# That pause doubles with each question, up to this; a new connection begins anew.
ASK_AT_MOST_AFTER_S: Final = 120.0
# Where the broker says that no matcher listens at all, it is tried again soon: one is starting, perhaps.
NOBODY_LISTENS_RETRY_S: Final = 2.0
# These waits grow by up to this share at random, so that kiosks do not keep in step.
RESEND_JITTER: Final = 0.25
# A submission whose seal was refused is tried again after this pause: somebody has to do something first, at the
# centre or here, and a new connection tries at once.
HELD_RETRY_S: Final = 300.0
# Submissions sent and not yet acknowledged at one time; the rest wait in the spool.
MAX_IN_FLIGHT: Final = 20
# How often the birth is published again: it puts right a retained status that a late will has overwritten.
BIRTH_AGAIN_S: Final = 60.0

# The spool: two weeks without a matcher at 70 bookings a day; four fingers are about 2 KB, ten at most 55.
MAX_SPOOLED: Final = 1000
MAX_SPOOL_BYTES: Final = 64 * 1024 * 1024
# Free disk space that the spool leaves to the rest of the machine.
DISK_RESERVE_BYTES: Final = 16 * 1024 * 1024
# A submission is tried to be delivered this long, by a clock that a time server keeps: a print of a month ago is
# no answer at a booking desk any more. Settings may say otherwise.
KEEP_DAYS: Final = 30
# How long the clock has to say, while the service runs, that a submission's time is over, before it is given up: a
# clock that jumps is put right by its time server within minutes.
EXPIRY_CONFIRM_S: Final = 3600.0
# How often the ends are looked at; they are days away.
EXPIRY_LOOK_S: Final = 10.0
# A bad clock may not shorten what a broker keeps a message for below this.
LEAST_EXPIRY_S: Final = 3600
# From this age on a submission says that it is late: a search that is asked for at the desk takes seconds, and a
# broker that is started anew a minute or two.
LATE_AFTER_S: Final = 300
# The largest submission (interchange.messages.MAX_PAYLOAD_BYTES).
LARGEST_BOOKING_BYTES: Final = 64 * 1024
# Room for this many bookings is kept for those that were begun (at the page, and by `edge-service book` beside it),
# but no more than a tenth of either limit.
RESERVED_BOOKINGS: Final = 2
RESERVE_AT_MOST_ONE_IN: Final = 10
# From this share of either limit on the spool calls itself nearly full.
NEARLY_FULL: Final = 0.8
# Images of prints, where they are sent: ten of 256x288 are 0.25 MB, so these are more than a hundred bookings whose
# images the matcher has not taken. A booking beyond that goes without.
MAX_IMAGES_BYTES: Final = 32 * 1024 * 1024
# A matcher that does not answer an offer is asked again after this pause, which doubles up to the second; after so
# many times (some two days of connection) it will not: the images are erased.
OFFER_IMAGES_AGAIN_S: Final = 10.0
OFFER_IMAGES_AT_LEAST_S: Final = 3600.0
IMAGE_OFFERS: Final = 56
# Two are 120 KB at most: on a line of 1 Mbit/s a booking that is saved meanwhile waits a second behind them.
IMAGES_AT_ONCE: Final = 2
NEXT_IMAGES_AFTER_S: Final = 1.0
# Images are kept before their submission is; one that is not in the spool after this time was not saved.
IMAGES_WITHOUT_SUBMISSION_S: Final = 600.0

# Finished submissions (reply or refusal seen) whose record is kept, without prints where acknowledged.
KEPT_REPLIED: Final = 1000
KEPT_REFUSED: Final = 200
# Second replies kept beside the first: for as many repositories as a reply may name, each told and taken back.
KEPT_SECOND_REPLIES: Final = 32

# The clock's floor is kept no finer than this. A raise writes some 8 KB, and the clock is asked every second: at each
# asking that would be 0.7 GB a day on the kiosk's card. After a power cut a stamp may be so much too early, and says
# that it is not synchronised.
CLOCK_FLOOR_STEP_MS: Final = 600_000

# How often a process looks whether another one (a booking beside the running service) changed the spool.
SPOOL_POLL_S: Final = 0.05
