"""Tuned numbers of the campaign, units in the names, and where each comes from."""

from __future__ import annotations

HASTE = 5
"""Deadlines of driver and firmware are this many times as short as on a real board. The sensor is not paced, so
that what remains to wait for are faults; a process of this machine may still be late by 20 ms without harm."""

FINGER_TIMEOUT_S = 2.0
"""How long a capture may wait for the finger, which is there from the start."""

RIG_RUNS = 100
"""Runs with one board, one after the other; then a new one, of another kind perhaps."""

STUCK_S = 120.0
"""A worker that says nothing for so long is hung, and with it the driver; longer than any deadline of a run."""

PACKET_OVERHEAD_BYTES = 11
LINK_CHUNK_BYTES = 256
LINK_OVERHEAD_BYTES = 35
"""Of the link's frames: header, MAC, CRC, generation and number, stuffing (docs/board-link.md, "Frames")."""

SENSOR_DOWN_BYTES = 60
LINK_DOWN_BYTES = 400
"""What goes down in one capture: five commands of 12 bytes; ten requests."""

CALM_SHARE = 0.03
"""Runs without any fault: they must look the same as always."""

SECOND_TROUBLE_SHARE = 0.25
"""Runs with two troubles at once."""
