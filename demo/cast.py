"""Who is booked in the demo, and with which prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Image = NDArray[np.uint8]

POSITIONS = (2, 7)  # right and left index finger
ENROLLED, PRESENTED = 1, 2  # numbers of a synthetic finger's impressions
_IMAGE = re.compile(r"(?P<finger>.+)_(?P<impression>\d+)\.(?:png|tiff?|bmp|wsq)", re.IGNORECASE)


class CastError(Exception):
    """The folder does not hold what the demo needs; the message says what that is."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is booked.

    Attributes:
        name: what the demo calls them; the system never learns it.
        repositories: where they are enrolled, and so where a candidate should be found.
        enrolled: images by finger position from an earlier encounter.
        presented: images by finger position as they come to the sensor now.
    """

    name: str
    repositories: tuple[str, ...]
    enrolled: dict[int, Image]
    presented: dict[int, Image]


def synthetic_people(on_print: Callable[[], None] = lambda: None) -> list[Person]:
    """Three synthetic people with two fingers and two impressions of each: a dozen prints, nobody's."""
    from models.synthetic import impression, master

    wanted = (
        ("Person A, known to criminal", ("criminal",)),
        ("Person B, known to criminal and to immigration", ("criminal", "immigration")),
        ("Person C, unknown", ()),
    )
    people: list[Person] = []
    for number, (name, repositories) in enumerate(wanted):
        images: tuple[dict[int, Image], dict[int, Image]] = ({}, {})
        for k, position in enumerate(POSITIONS):
            finger = master(100 + 10 * number + k)
            for impressions, taken in zip((ENROLLED, PRESENTED), images, strict=True):
                taken[position] = impression(finger, impressions)
                on_print()
        people.append(Person(name, repositories, *images))
    return people


SYNTHETIC_PRINTS = 12


@dataclass(frozen=True, slots=True)
class OwnFinger:
    """One finger of a folder: impression 1 is enrolled, the others come to the sensor."""

    name: str
    enrolled: Path
    presented: tuple[Path, ...]


def own_fingers(folder: Path) -> list[OwnFinger]:
    """The fingers in a folder of ``<finger>_<impression>.png|tif|bmp|wsq``. Raises CastError."""
    if not folder.is_dir():
        raise CastError(f"{folder} is no folder; give one with images named like 1_1.png, 1_2.png, 2_1.png")
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _IMAGE.fullmatch(path.name)
        if match:
            found.setdefault(match["finger"], {})[int(match["impression"])] = path
    fingers = [
        OwnFinger(name, files[1], tuple(files[k] for k in sorted(files) if k != 1))
        for name, files in sorted(found.items())
        if 1 in files
    ]
    if not any(f.presented for f in fingers):
        raise CastError(
            f"{folder} has no finger with an impression 1 and another one; name the images "
            "<finger>_<impression>.png (or tif, bmp, wsq), for example 1_1.png and 1_2.png"
        )
    return fingers
