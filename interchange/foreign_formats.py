"""Other biometric files by their first bytes, so that a refusal can say what somebody gave by mistake."""

from __future__ import annotations

import re

# The format identifiers of the parts of ISO/IEC 19794 (each: clause "general header"), then of image files.
_BEGINNINGS = (
    (b"FAC\0", "a face image (ISO/IEC 19794-5)"),
    (b"IIR\0", "an iris image (ISO/IEC 19794-6)"),
    (b"FIR\0", "a finger image (ISO/IEC 19794-4), not minutiae"),
    (b"FSP\0", "finger pattern spectral data (ISO/IEC 19794-3)"),
    (b"FSK\0", "finger pattern skeletal data (ISO/IEC 19794-8)"),
    (b"SDI\0", "a signature (ISO/IEC 19794-7)"),
    (b"VIR\0", "a vascular image (ISO/IEC 19794-9)"),
    (b"HND\0", "a hand silhouette (ISO/IEC 19794-10)"),
    (b"\xff\xa0", "a WSQ image, not minutiae"),
    (b"\x89PNG", "a PNG image, not minutiae"),
    (b"\xff\xd8\xff", "a JPEG image, not minutiae"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image, not minutiae"),
)
_ITL = re.compile(rb"1\.0?0?1:\d")


def named(data: bytes) -> str | None:
    """What a file is that is no finger minutiae record, in words; None where its beginning says nothing."""
    for beginning, words in _BEGINNINGS:
        if data.startswith(beginning):
            return words
    return "an ANSI/NIST-ITL (EBTS) file, which holds records of its own" if _ITL.match(data) else None
