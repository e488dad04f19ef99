"""What the API takes and gives: strict, bounded, and never repeated back or logged."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from interchange.fields import Message, Template

MAX_BODY_BYTES = 64 * 1024
SVG = "image/svg+xml"


class LookPurpose(StrEnum):
    """Why somebody looks at a candidate's prints; recorded with it."""

    REVIEW = "review"
    CHALLENGE = "challenge"
    AUDIT = "audit"


Position = Annotated[int, Field(ge=0, le=10)]


class TwoTemplates(Message):
    """Two records of ISO/IEC 19794-2:2005 or INCITS 378-2004, in base64; `finger` where one holds several."""

    probe: Template
    candidate: Template
    finger: Position | None = None


class ScoreMeaning(Message):
    """What a score says; the last two are None where scores are not calibrated."""

    headline: str
    sentence: str
    log10_fmr: float | None
    interval: tuple[float, float] | None


class Compared(Message):
    """The score of one finger against one finger."""

    score: float
    pairs: int
    meaning: ScoreMeaning
    caution: str


class Health(Message):
    """That it is there, and that its database answers."""

    status: str
    database: bool


class Problem(Message):
    """What is wrong with a request, and what to do. Never repeats what was sent."""

    problem: str
