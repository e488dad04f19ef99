"""The two template formats that are spoken here, and the codes they share."""

from __future__ import annotations

from enum import Enum, IntEnum


class TemplateFormat(Enum):
    """A finger minutiae record format; the value is the standard's name."""

    ISO_19794_2_2005 = "ISO/IEC 19794-2:2005"
    INCITS_378_2004 = "ANSI/INCITS 378-2004"

    @property
    def angle_steps(self) -> int:
        """Steps in a full turn: ISO counts in 360/256 degree, INCITS in 2 degrees."""
        return 256 if self is TemplateFormat.ISO_19794_2_2005 else 180

    @property
    def header_bytes(self) -> int:
        """Length of the record header in its short form."""
        return 24 if self is TemplateFormat.ISO_19794_2_2005 else 26

    @property
    def impressions(self) -> frozenset[int]:
        """The impression types that the standard defines."""
        common = frozenset(Impression) - {Impression.LIVE_CONTACTLESS}
        return common if self is TemplateFormat.ISO_19794_2_2005 else frozenset(Impression)


class Impression(IntEnum):
    """How an impression was made (ISO/IEC 19794-2:2005, clause 7; INCITS 378-2004, clause 6).

    `LIVE_CONTACTLESS` exists in INCITS records only.
    """

    LIVE_PLAIN = 0
    LIVE_ROLLED = 1
    NONLIVE_PLAIN = 2
    NONLIVE_ROLLED = 3
    SWIPE = 8
    LIVE_CONTACTLESS = 9
