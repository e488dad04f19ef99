"""Why a print is poor, in words that the officer at the desk can act on.

Sides are those of the picture on the screen. Whatever names a reason in a message or a file uses its id, the value
of `Reason`, so that another language is one more entry in `WORDS`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from edge_service.extraction import parameters as p

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.extraction.features import Features

    Deviation = Callable[[str], float]


class Reason(StrEnum):
    """What is wrong with an impression; the value is the message's id."""

    NOTHING = "nothing"
    NOT_A_FINGER = "not_a_finger"
    TOO_LITTLE = "too_little"
    TOO_FAR_LEFT = "too_far_left"
    TOO_FAR_RIGHT = "too_far_right"
    TOO_FAR_UP = "too_far_up"
    TOO_FAR_DOWN = "too_far_down"
    TOO_DRY = "too_dry"
    TOO_WET = "too_wet"
    PRESS_MORE = "press_more"
    PRESS_LESS = "press_less"
    MOVED = "moved"
    UNCLEAR = "unclear"

    def words(self, language: str = "en") -> str:
        """What to tell the officer. Raises KeyError for a language that nobody has written yet."""
        return WORDS[language][self]


WORDS: dict[str, dict[Reason, str]] = {
    "en": {
        Reason.NOTHING: "There is no finger on the sensor. Lay one finger flat on the glass.",
        Reason.NOT_A_FINGER: "This does not look like a fingerprint. Wipe the glass and lay one finger flat on it.",
        Reason.TOO_LITTLE: "Too little of the finger touched. Lay it down flat, not only its tip.",
        Reason.TOO_FAR_LEFT: "The finger is too far to the left. Move it to the right.",
        Reason.TOO_FAR_RIGHT: "The finger is too far to the right. Move it to the left.",
        Reason.TOO_FAR_UP: "The finger is too far up. Pull it back a little.",
        Reason.TOO_FAR_DOWN: "The finger is too far down. Push it forward a little.",
        Reason.TOO_DRY: "The finger is too dry. Moisten it a little, or let the person breathe on it.",
        Reason.TOO_WET: "The finger is too wet. Wipe the finger and the glass dry.",
        Reason.PRESS_MORE: "Press a little more firmly.",
        Reason.PRESS_LESS: "Press less hard.",
        Reason.MOVED: "The finger moved. Hold it still until the picture is taken.",
        Reason.UNCLEAR: "The print is not clear. Wipe the finger and the glass, and lay it down again.",
    }
}


def why_refused(features: Features | None, *, like_a_print: bool) -> Reason:
    """Why there is no print at all; `features` None stands for an image of one grey."""
    if features is None or features.active < p.LEAST_ACTIVE_SHARE:
        return Reason.NOTHING
    if like_a_print and features.area_mm2 >= p.LEAST_PRINT_MM2:
        return Reason.TOO_LITTLE  # ridges, but hardly a minutia among them
    broad, faint = features.ridge_balance >= p.FLOODED_BALANCE, features.contrast <= p.FLOODED_GREY
    if broad and faint and features.area_mm2 >= p.FLOODED_MM2:
        return Reason.TOO_WET  # a dark pool with hairlines for valleys
    return Reason.NOT_A_FINGER


def why_poor(features: Features, deviation: Deviation) -> Reason:
    """Why a print is poor.

    Args:
        features: of the print.
        deviation: by a feature's name, by how many standard deviations it is more than an ordinary print's.
    """
    broad, clear, patchy = (deviation(name) for name in ("ridge_balance", "clarity", "unevenness"))
    faint, doubt = -deviation("contrast"), deviation("doubtful")
    pressed = {
        Reason.TOO_DRY: min(-broad / p.BALANCE_UNIT, -clear, p.FAINT_LIMIT - faint),
        Reason.PRESS_MORE: min(-broad / p.BALANCE_UNIT, faint - p.FAINT_LIMIT + 2 * p.LEAST_EVIDENCE),
        Reason.TOO_WET: min(broad / p.BALANCE_UNIT, patchy),
        Reason.PRESS_LESS: min(broad / p.BALANCE_UNIT, p.EVEN_LIMIT - patchy),
    }
    likeliest = max(pressed, key=lambda reason: pressed[reason])
    if pressed[likeliest] >= p.LEAST_EVIDENCE:
        return likeliest
    if features.area_mm2 < min(p.SMALL_PRINT_MM2, p.SMALL_PRINT_SHARE * features.window_mm2):
        return _side(features) or Reason.TOO_LITTLE
    # doubt comes with every fault; where the ridges are clear all the same, two pictures lie on each other
    if min(doubt - p.DOUBT_LIMIT, clear + p.UNCLEAR_LIMIT, p.BALANCE_UNIT - abs(broad)) >= p.LEAST_EVIDENCE:
        return Reason.MOVED
    return _side(features) or Reason.UNCLEAR


def _side(features: Features) -> Reason | None:
    """Off which side of the window the finger lies, if it does."""
    left, right, top, bottom = features.cut
    candidates = [
        (-features.right_mm, left - right, Reason.TOO_FAR_LEFT),
        (features.right_mm, right - left, Reason.TOO_FAR_RIGHT),
        (-features.down_mm, top - bottom, Reason.TOO_FAR_UP),
        (features.down_mm, bottom - top, Reason.TOO_FAR_DOWN),
    ]
    off_mm, cut, reason = max(candidates, key=lambda c: c[0])
    return reason if off_mm >= p.ASIDE_MM and cut >= p.ASIDE_CUT_SHARE else None
