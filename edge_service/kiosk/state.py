"""Where the booking is, as the page shows it. The page draws nothing but this, so that it can begin anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """Steps of the officer's way."""

    HOME = "home"
    FORM = "form"
    PLAN = "plan"
    CAPTURE = "capture"
    RESULT = "result"


class Phase(StrEnum):
    """What is happening with the finger whose turn it is."""

    LIFT = "lift"  # take it off
    PRESS = "press"  # put it on
    TRANSFER = "transfer"  # keep it still
    READING = "reading"  # the image is here, the minutiae are looked for
    REVIEW = "review"  # accept it, or press again
    TROUBLE = "trouble"  # no image: try again, or leave the finger out
    SAVING = "saving"


class Verdict(StrEnum):
    """How a press is judged."""

    GOOD = "good"
    POOR = "poor"
    NONE = "none"  # no print in it


@dataclass(frozen=True, slots=True)
class PressView:
    """The finger whose turn it is.

    Attributes:
        position: finger position, 1-10.
        attempt: number of the press, from 1.
        attempts: how many there may be.
        phase: what is happening.
        done: bytes of the image that have arrived.
        total: bytes of the image.
        image: key of the picture; empty without one.
        quality: of this press, 0-100.
        reason: id of what could be better; empty for a good print.
        verdict: on this press; empty before.
        best_attempt: the press that would be kept; 0 if none can be.
        best_quality: its quality.
        accepts_in_s: until a good print is accepted by itself, when it was shown; 0 if it is not.
        trouble: id of what went wrong.
    """

    position: int
    attempt: int
    attempts: int
    phase: Phase
    done: int = 0
    total: int = 0
    image: str = ""
    quality: int = 0
    reason: str = ""
    verdict: str = ""
    best_attempt: int = 0
    best_quality: int = 0
    accepts_in_s: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class FingerView:
    """One finger of the plan: "print", "taken", "now", or the reason why it is left out."""

    position: int
    state: str
    quality: int = 0
