"""Tuned numbers of firmware updates."""

from __future__ import annotations

from typing import Final

# Bounds of a bundle, the same as on the board (firmware/core/parameters.py, "updates"): what the board would refuse
# in the middle of an update is refused here before it begins.
MAX_MANIFEST_BYTES: Final = 12_288
MAX_FILES: Final = 80
MAX_FIRMWARE_BYTES: Final = 524_288
MAX_PATH_CHARACTERS: Final = 64
# Contents, a header and up to 511 bytes of padding for each member, manifest and signature among them, and the end.
MAX_BUNDLE_BYTES: Final = MAX_FIRMWARE_BYTES + MAX_MANIFEST_BYTES + (MAX_FILES + 2) * 1024 + 10_240

SIGNATURE_BYTES: Final = 64
MAX_KEY_FILE_BYTES: Final = 10_000
MAX_KEYS: Final = 32

# What fits into one UPDATE_MANIFEST or UPDATE_WRITE beside its offset (docs/board-link.md).
PIECE_BYTES: Final = 448

# How long the board may take over one request before it is asked again. Emptying a slot of 50 files takes littlefs
# about half a second, one erasure of flash up to 0.4 s (W25Q16JV data sheet, "sector erase time"); the link asks
# four times.
ANSWER_S: Final = 1.5

# A transfer that broke off, by a cable that was knocked or noise, is begun again by itself this often.
TRANSFER_ATTEMPTS: Final = 2

# A board is back 2 s after a reset; USB takes its time, and a Pi that is busy as well. After this the new version
# counts as one that does not answer.
COME_BACK_S: Final = 20.0
# Three trials of a minute (firmware/core/parameters.py, TRIAL_MS), each with a start and up to 8 s of the watchdog,
# then the start of the old version.
FALL_BACK_S: Final = 3 * (60 + 8 + 4) + 24.0
ASK_AGAIN_S: Final = 0.5
