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
