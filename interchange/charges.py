"""What a booking says beside its prints, and what is heard of it later: why prints are sent, charge, disposition.

The centre's rules of sharing ask for these. None of them says who somebody is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from interchange.fields import Message


class Transaction(StrEnum):
    """The type of transaction, as EBTS names it: how much hangs on the answer."""

    CAR = "CAR"  # criminal tenprint, an answer is required
    CNA = "CNA"  # the same, no answer is necessary
    RPIS = "RPIS"  # rapid search


class ChargeClass(StrEnum):
    """Class of the most serious charge."""

    FELONY = "felony"
    MISDEMEANOR = "misdemeanor"
    TRAFFIC = "traffic"
    OTHER = "other"


class Disposition(StrEnum):
    """How far the matter has come. Only `CONVICTED` says that a court has found anybody guilty.

    `NOT_ACCUSED` is for victims, witnesses, and whoever else is printed without being accused of anything: nothing of
    theirs is searched or shared by any rule, and once it was said, no later report takes it back.
    """

    ARRESTED = "arrested"
    CHARGED = "charged"
    CONVICTED = "convicted"
    HELD = "held"
    DISMISSED = "dismissed"
    ACQUITTED = "acquitted"
    NOT_ACCUSED = "not_accused"


# What a booking can say already; the rest is only ever reported later.
AT_BOOKING = frozenset(
    {
        Disposition.ARRESTED,
        Disposition.CHARGED,
        Disposition.CONVICTED,
        Disposition.HELD,
        Disposition.NOT_ACCUSED,
    }
)
# With these nothing is shared, and what was is taken back.
CLEARED = frozenset({Disposition.DISMISSED, Disposition.ACQUITTED, Disposition.NOT_ACCUSED})


class LeftOutReason(StrEnum):
    """Why a finger could not be taken."""

    MISSING = "missing"
    BANDAGED = "bandaged"
    UNPRINTABLE = "unprintable"


class LeftOut(Message):
    """A finger that could not be taken, and why; positions as those of prints, 1-10."""

    position: Annotated[int, Field(ge=1, le=10)]
    reason: LeftOutReason
