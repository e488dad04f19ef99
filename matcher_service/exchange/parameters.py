"""Bounds on what is exchanged in files, and what stands in ours."""

from __future__ import annotations

from typing import Final

# Fourteen uncompressed images of a ten-print card at 500 dpi are 20 MB; at 1000 dpi they come compressed.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
# A ten-print card is some 30 records; with palms and photographs 60.
MAX_RECORDS: Final = 120
# EBTS knows fewer than 400 fields of Type-2; all other records have fewer.
MAX_FIELDS: Final = 500
# A Type-9 record of 255 minutiae has 255 subfields in one field.
MAX_SEPARATORS: Final = 20_000
MAX_TEXT_BYTES: Final = 1024 * 1024  # of a record without its image
MAX_TCN_CHARACTERS: Final = 40  # EBTS 10, Appendix B, 1.009

# An image of one finger at 1000 dpi is at most 1.6 x 1.5 inches (EBTS, Appendix F); four fingers 3.2 x 3 inches.
MAX_IMAGE_PIXELS: Final = 16_000_000
MAX_IMAGE_SIDE_PX: Final = 6_000
# WSQ is used at 0.5 to 2.2 bits a pixel; far below that no print is left, and a small file unfolds to a large one.
MAX_IMAGE_PIXELS_PER_BYTE: Final = 400
MAX_MARKER_SEGMENTS: Final = 64  # before a WSQ's first block: tables, frame, comments
DECODE_MEMORY_BYTES: Final = 1024 * 1024 * 1024  # address space of the process that decodes
DECODE_CPU_S: Final = 20
DECODE_DEADLINE_S: Final = 60.0  # on a machine that is busy
EXTRACT_MEMORY_BYTES: Final = 8 * 1024 * 1024 * 1024  # address space: the runtime maps far more than it uses
EXTRACT_CPU_S: Final = 120
EXTRACT_DEADLINE_S: Final = 120.0

MAX_MESSAGE_CHARACTERS: Final = 300  # EBTS, 2.060 MSG
MAX_MESSAGES: Final = 50

# What stands in our own Type-1 records: ANSI/NIST-ITL 1-2011 with its update of 2015, and the domain of EBTS.
VERSION: Final = "0502"
DOMAIN: Final = ("NORAM", "10.0")
READ_VERSIONS: Final = frozenset({"0200", "0201", "0300", "0400", "0500", "0501", "0502"})
PRIORITY: Final = "4"
