"""Two hands to tap on, backs up as they lie before the officer: geometry for the SVG, in its own units."""

from __future__ import annotations

from dataclasses import dataclass

VIEW_BOX = (700, 228)
FINGER_WIDTH = 46
TARGET_WIDTH = 62  # fingers stand this far apart, so that the whole gap belongs to one of them
PALM = (252, 84)  # width, height
_PALM_TOP = 138
# From the thumb's side outwards: how long the finger is and how far it leans away from the thumb, in degrees.
_FINGERS = ((128, -7), (146, -2), (132, 3), (100, 9))
_THUMB = (98, -48)


@dataclass(frozen=True, slots=True)
class FingerShape:
    """A finger: its base in the middle, its length upwards from there, then turned by `lean` degrees about its base."""

    position: int
    x: float
    y: float
    length: int
    lean: int

    @property
    def top(self) -> float:
        """Of the finger before it is turned."""
        return self.y - self.length


@dataclass(frozen=True, slots=True)
class HandShape:
    """A hand: the palm's left upper corner, and its fingers, thumb first."""

    side: str
    x: float
    y: float
    fingers: tuple[FingerShape, ...]


def _hand(side: str, left: float, *, mirrored: bool) -> HandShape:
    first = 6 if mirrored else 1
    width = PALM[0]

    def place(offset: float) -> float:
        return left + (width - offset if mirrored else offset)

    turn = -1 if mirrored else 1
    thumb = FingerShape(first, place(20), _PALM_TOP + 62, _THUMB[0], turn * _THUMB[1])
    others = tuple(
        FingerShape(
            first + 1 + n,
            place(33 + n * TARGET_WIDTH),
            _PALM_TOP + 36 + (8 if n == 3 else 0),
            length,
            turn * lean,
        )
        for n, (length, lean) in enumerate(_FINGERS)
    )
    return HandShape(side, left, _PALM_TOP, (thumb, *others))


HANDS = (_hand("left", 20, mirrored=True), _hand("right", VIEW_BOX[0] - 20 - PALM[0], mirrored=False))
