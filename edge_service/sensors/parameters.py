"""Tuned numbers of the sensor driver, units in the names, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass

BAUDS_TO_TRY = (57_600, 115_200, 57_600, 115_200, 38_400, 19_200, 9_600)
"""57,600 is the modules' factory setting and 115,200 what people change it to. Both come twice, because a
module that was just switched on misses the first question; the others are the rest of what the R503's manual
allows (N = 1, 2, 4, 6, 12)."""

ROUNDS_AT_KNOWN_BAUD = 3
"""Questions asked when the baud rate is configured: with `Timing.probe_s` more than a start-up of 200 ms."""

BITS_PER_BYTE_ON_WIRE = 10
"""One start bit, eight data bits, one stop bit, no parity (manuals, "serial communication")."""

REQUEST_ATTEMPTS = 2
"""A question may be lost once to noise; the second loss in a row is a fault that a person should hear of."""

TRANSFER_ATTEMPTS = 2
"""The image stays in the sensor's buffer after UpImage, so it can be fetched again; at 57,600 baud that costs
the person seven more seconds with the finger, so once."""

BUSY_CHANGES = 8
"""A packet counts as full of ridges when at least one in so many of its bytes differs from its neighbour, as in
`firmware/core/parameters.py`, where it was measured."""

BOARD_CHUNK_BYTES = 256
BOARD_CHUNKS_AT_A_TIME = 64
"""Both are the link's (docs/board-link.md, "Events")."""

BOARD_IMAGE_BYTES = 36_864
"""What a board can hold: an R307's image, 256 x 288 pixels of four bits, the largest of the family."""

BOARD_BAUD = 115_200
"""Means nothing on USB, where a speed is a fiction; but 1,200 would restart some boards into their loader."""

BOARD_REQUEST_ATTEMPTS = 4
BOARD_SESSION_ATTEMPTS = 2
"""docs/board-link.md, "Requests": four times, then a new session; two sessions, then the link counts as lost."""

BOARD_FOREIGN_ANSWERS = 2
"""A board that says it holds another key is asked once more before the kiosk forgets its own: nothing but the
key's absence gives this answer twice."""

BOARD_TRANSFER_ATTEMPTS = 2
"""An image whose SHA-256 is wrong is fetched from the board once more (docs/board-link.md, "Events")."""

BOARD_FRUITLESS_ROUNDS = 8
"""Chunks are asked for again at most this many times in a row without one arriving. At a loss of every second
frame a chunk is missed eight times in a row once in 250 images; such a link is to be repaired, not waited for."""

BOARD_CAPTURE_RESTARTS = 4
"""A board that forgot about a capture before a finger was seen (it restarted, say) is asked this many times."""

BOARD_LONGEST_WAIT_S = 600.0
"""The board waits no longer than ten minutes at a time; it is asked again when there is more."""

BOARD_NEXT_IMAGE_S = 1.0
"""Wait for the finger of a further image of the same press: it is on the window already, or it has gone."""

BOARD_EVENTS_KEPT = 1024
"""Events that arrived while an answer was waited for: an image has 144 chunks, sent at most a few times. What is
beyond is dropped, oldest first, and asked for again."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Deadlines and pauses, in seconds. The defaults are for real modules; tests pass shorter ones."""

    poll_s: float = 0.05
    """Longest single wait for bytes: how late a cancel or a deadline can be noticed."""

    probe_s: float = 0.4
    """Answer to VfyPwd while looking for the baud rate: 28 bytes at 9,600 baud are 30 ms, users see up to
    200 ms of deafness after power-up."""

    reply_s: float = 2.0
    """Answer to any other command. GenImg is the slow one: below 0.5 s in the manuals (R30x), 2 s is what the
    widespread clients allow."""

    silence_in_image_s: float = 1.0
    """Pause within an image that means a packet was lost: packets follow each other without a gap."""

    image_factor: float = 3.0
    image_margin_s: float = 5.0
    """An image may take this many times its time on the wire, plus the margin: 7.7 s were seen for 6.95 s."""

    quiet_s: float = 0.15
    """The line counts as quiet after this pause: ten times the 16 ms latency timer of USB serial chips."""

    babble_s: float = 10.0
    """How long a transfer that was broken off may go on before a new question is given up: an image at 57,600
    baud in 32-byte packets is 8.6 s on the wire."""

    look_every_s: float = 0.05
    """Pause between two looks for a finger; GenImg itself takes 100-300 ms on real modules."""

    reopen_first_s: float = 0.1
    reopen_longest_s: float = 2.0
    """Pauses between attempts to open a port that is gone, doubled each time. udev takes about 0.1 s to make
    the link under /dev/serial/by-id; two seconds is as long as a person waits after plugging in."""

    write_s: float = 1.0
    """Longest wait for room to send a command of 16 bytes: only a dead USB adapter takes that long."""


@dataclass(frozen=True, slots=True)
class BoardTiming:
    """Deadlines of the link to the sensor board, in seconds (docs/board-link.md names those it fixes)."""

    poll_s: float = 0.05
    """Longest single wait for bytes: how late a cancel or a deadline can be noticed."""

    answer_s: float = 0.3
    """Answer to any request ("Requests"). The board answers within a few milliseconds."""

    quiet_in_image_s: float = 0.5
    """Nothing came for so long while an image is under way: ask for the status ("Events")."""

    quiet_while_waiting_s: float = 1.0
    """The same while a finger is waited for: a lost event, or a board that restarted, is noticed after this."""

    resend_s: float = 0.3
    """Pause after which chunks that were asked for again count as lost once more."""

    image_stall_s: float = 30.0
    """No chunk of an image for so long: given up. An attempt that is spoiled by its first packet is heard to its end
    before the next one, 8.6 s at 57,600 baud in 32-byte packets, and the board allows it three times that."""

    image_limit_s: float = 120.0
    """One press as a whole, once the finger was seen: ten looks at 3.5 s, some of them twice."""

    board_late_s: float = 3.0
    """How much later than asked the board may say that no finger came: a GenImg and a lost event or two."""

    ready_s: float = 16.0
    """From a board that answers to a sensor that is ready: power off and on and seven baud rates are 4.1 s, and the
    board does that three times before it calls the sensor silent."""

    reopen_first_s: float = 0.1
    reopen_longest_s: float = 2.0
    """As in `Timing`."""

    write_s: float = 1.0
    """Longest wait for room to send a frame of at most 545 bytes."""

    prompt_s: float = 120.0
    """How long a technician may take to open the lid and to hold the button."""

    ask_button_s: float = 0.25
    """Pause between two looks at lid and button meanwhile: soon enough to feel immediate."""
