"""Tuned numbers of the firmware, units in the names, and where each comes from. One section for each part."""

from firmware.core.compat import const

# --- the sensor session (sensor.py, power_up.py, baud.py, capture.py, transfer.py) ---

UART_EMPTY_MS = const(20)
"""A command that was handed to the UART has left it: 16 bytes at 9,600 baud are 17 ms."""

POWER_OFF_MS = const(300)
"""Off for this long when nobody knows how long the sensor has been on: its supply capacitors (100 uF at some
30 mA) are below 1 V after 200 ms."""

DEAF_MS = const(250)
"""Longest wait for the sensor's first byte after power-up: the R503's manual says 50 ms, users of the R307 see
up to 200 ms."""

DEAF_AT_LEAST_MS = const(50)
"""A byte before this is the supply's edge on the wire and not the sensor's 55."""

SETTLE_MS = const(20)
"""The line has been quiet for this long after the first byte: some modules say 00 after their 55."""

BAUDS_TO_TRY = (57_600, 115_200, 57_600, 115_200, 38_400, 19_200, 9_600)
"""57,600 is the modules' factory setting and 115,200 what this firmware sets. Both come twice, because a module
that was just switched on may miss the first question; the others are what else the R503's manual allows."""

BAUDS_TO_RAISE_TO = (115_200, 57_600)
"""The highest that the modules know, and the one that every cable carries."""

PROBE_MS = const(400)
"""Answer to VfyPwd while looking for the baud rate, and to a question that older modules do not know: 28 bytes
at 9,600 baud are 30 ms, and some modules are deaf for 200 ms after power-up."""

BAUD_PROOFS = const(3)
"""Questions that must be answered at a new baud rate before it is kept."""

BLIND_TELLS = const(2)
"""How often a module that cannot be heard at its new baud rate is told to go back to the old one."""

REPLY_MS = const(2000)
"""Answer to any other command. GenImg is the slow one: below 0.5 s in the manuals (R30x)."""

ERASE_MS = const(5000)
"""Answer to Empty: a thousand places of flash; not stated in the manuals."""

WRITE_MS = const(500)
"""Room for a command of 16 bytes in the UART's buffer: 17 ms at 9,600 baud."""

REQUEST_ATTEMPTS = const(2)
"""A question may be lost once to noise; the second loss in a row is a fault."""

PACKET_BYTES_AT_LEAST = const(128)
"""The factory's setting; with 32 bytes a packet an image takes a quarter longer on the wire."""

QUIET_MS = const(100)
"""The line counts as quiet after this pause: packets follow each other within 2 ms; the rest is for the bench's
pseudo-terminals."""

BABBLE_MS = const(10_000)
"""How long a transfer that was broken off may go on: an image at 57,600 baud in 32-byte packets is 8.6 s."""

NOISE_MS = const(1000)
"""How long a line may go on without a pause when no image is on its way: ten pauses."""

SILENCE_IN_IMAGE_MS = const(1000)
"""Pause within an image that means that it broke off: packets follow each other without a gap."""

IMAGE_FACTOR = const(3)
IMAGE_MARGIN_MS = const(5000)
"""An image may take this many times its time on the wire, plus the margin: 7.7 s were seen for 6.95 s."""

TRANSFER_ATTEMPTS = const(4)
"""The image stays in the sensor's buffer, so it can be fetched again: one attempt spoiled, one in doubt because it
contradicts the first, and two that agree."""

BUSY_CHANGES = const(8)
"""A packet that repeats the one before it is in doubt when at least one in so many of its bytes differs from its
neighbour: a row of ridges has one change in two bytes, an even background none. In 160 images of FVC2002 DB1-4_B
as the two windows see them (517,120 pairs of packets of any size) no such pair occurs; 1,374 even ones do."""

POWER_CYCLES = const(2)
"""A silent sensor is switched off and on this many times before it is called a fault."""

LOCKED_PAUSE_MS = const(10_000)
"""After a wrong password the sensor is not asked again for this long, whatever is asked of the session."""

LOOK_EVERY_MS = const(50)
"""Pause between two looks for a finger; GenImg itself takes 100-300 ms on real modules."""

BLIND_LOOK_MS = const(2000)
"""With a detect line, a look at the window without its word this often, so that a broken line is no dead sensor."""

DEBOUNCE_MS = const(30)
"""The detect line must say the same for this long: a finger that comes down bounces for 10-20 ms."""

SETTLED_LOOKS = const(2)
"""Images in a row, without one that failed in between, after which the finger counts as settled: the second is
some 200 ms after the first touch."""

CAPTURE_RESTARTS = const(3)
"""How often a capture goes back to looking because the sensor had lost its image (it restarted by itself)."""

# --- updates (update.py) ---

TRIAL_MS = const(60_000)
"""How long new firmware waits for the Pi's CONFIRM before it starts again: the Pi finds a board that came back within
some 5 s, and three trials of a minute are what a technician still waits for."""

UPDATE_STALL_MS = const(20_000)
"""An update that the Pi has left alone for so long is given up, so that prints can be taken again: two of its requests
are at most four times 1.5 s (edge_service/firmware_update/parameters.py, ANSWER_S) and a new session apart."""

UPDATE_MANIFEST_BYTES = const(12_288)
UPDATE_FILES = const(80)
UPDATE_BYTES = const(524_288)
UPDATE_PATH_CHARACTERS = const(64)
"""Bounds of a bundle, the same as in edge_service/firmware_update/parameters.py: 50 files make a manifest of 7 KB,
which is read into memory at once. The smallest board has 1.4 MB of flash for the files of two slots."""

UPDATE_SPARE_BLOCKS = const(8)
"""Blocks of flash kept free for the boot state, the store, and what littlefs moves about."""

# --- the image (image.py) ---

PRINT_CONTRAST = const(4)
"""Grey levels (0-15) from the darkest to the brightest pixel of a piece that shows print. On FVC2002 DB1-4_B the
background's deviation is below 7 of 255, so its extremes lie within 2 levels; ridges have 16 and more."""

SCORE_CONTRAST = const(12)
"""Mean contrast, in grey levels, of a print that could not be better: nearly all of the sixteen."""

PRINT_AREA_PER_MILLE = const(600)
"""Share of the window that a finger covers when it lies well: its outline is round and the window is not."""

# --- the link to the Pi (board_link.py) ---

HOST_STALL_MS = const(2000)
"""A frame that the Pi has not taken for this long is broken off: it reads all the time, and asks again after 300 ms."""

LINK_INPUT_BYTES = const(256)
"""Read from the Pi at once: four packets of full-speed USB."""

# --- the application (app.py, image_uplink.py, progress_guard.py, lid_guard.py) ---

STUCK_MS = const(20_000)
"""A job in which nothing moves for this long is stuck. The longest that is allowed to pass between two movements is a
sensor that babbles until it is hushed (BABBLE_MS), and then two answers to Empty (ERASE_MS)."""

START_MOST_MS = const(300_000)
"""A sensor may be searched for this long without a proven answer: seven baud rates, each hushed and probed, three
times with the power switched off in between, are 220 s with a sensor that babbles all the time."""

LINK_STUCK_MS = const(10_000)
"""Something has been half sent for this long: the link breaks a frame off after HOST_STALL_MS, and three may be due."""

LID_DEBOUNCE_MS = const(50)
"""The lid's switch bounces for some 10 ms; a lid cannot be opened and closed again in 50."""

HELD_IMAGE_MS = const(30_000)
"""An image that nobody releases is overwritten after this time without a request for its chunks (the link's page)."""

CAPTURE_MOST_MS = const(600_000)
LIFT_MOST_MS = const(600_000)
"""Nobody waits longer than ten minutes for a finger; the board's clock is good for six days."""

LOOKS_MOST = const(10)
CHUNKS_MOST = const(64)
"""Both from the link's page."""

COUNTERS_SAVE_EVERY_MS = const(3_600_000)
"""Counters are written once an hour, and at a start: store.py reckons the flash's wear."""

SAVE_AGAIN_MS = const(5_000)
"""When the flash refused, it is asked again after this time."""

REBOOT_MS = const(500)
"""A reboot waits this long for its answer to be sent: the Pi takes it within milliseconds, or not at all."""

LAST_BYTES_MS = const(50)
"""After the last byte was handed to the USB stack, it takes a few packets of a millisecond to be gone."""

IDLE_MS = const(5)
IDLE_BUSY_MS = const(1)
"""Sleep between two steps; a packet of 128 bytes comes every 12 ms at 115,200 baud."""
