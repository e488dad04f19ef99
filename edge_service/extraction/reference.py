"""A print that ships with the program, and the minutiae that the shipped network finds in it on a sound processor.

A processor, or an emulation of one, that computes an instruction wrongly gives minutiae like any other: nothing else
would tell. x86-64 and arm64 give the same record, byte for byte; what is allowed here is a step of the record format
(ISO/IEC 19794-2:2005, 7: whole pixels, angles in 1/256 of a turn), and one minutia in twenty at the edge of being one.

`python -m models.reference_print` writes the file anew, which every new network asks for.
"""

from __future__ import annotations

import base64
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_service.extraction.errors import ImageRefused
from interchange import iso19794
from interchange.errors import TemplateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae

FILE = Path(__file__).with_name("reference_print.json")
MOST_SHIFT_PX = 1.0
MOST_TURN = 2 * math.pi / 256
"""One step of the record's angles, as both ends are rounded."""
MOST_MISSING = 0.05
MOST_QUALITY = 2
"""Of the whole impression's 0 to 100."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The print: uint8 (height, width), its resolution, what is in it, and the network (SHA-256) that found it."""

    image: NDArray[np.uint8]
    dpi: float
    minutiae: Minutiae
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far what was found here is what is to be found. `paired` have a minutia of the other side in their place."""

    expected: int
    found: int
    paired: int
    quality_differs: int

    @property
    def good(self) -> bool:
        """Whether this machine computes as it should."""
        most = max(self.expected, self.found)
        return most - self.paired <= MOST_MISSING * self.expected and self.quality_differs <= MOST_QUALITY


def read_reference(file: Path = FILE) -> Reference:
    """The print that ships. Raises ImageRefused for a file that is not as it was shipped."""
    from PIL import Image

    try:
        tree: dict[str, Any] = json.loads(file.read_text("ascii"))
        with Image.open(io.BytesIO(base64.b64decode(tree["png"])), formats=("PNG",)) as picture:
            image = np.asarray(picture.convert("L"))
        minutiae = iso19794.decode(base64.b64decode(tree["record"])).minutiae()
        return Reference(image, float(tree["dpi"]), minutiae, str(tree["model_sha256"]))
    except (OSError, ValueError, KeyError, TemplateError) as error:
        fault = f"is not as it was shipped ({type(error).__name__})"
        raise ImageRefused(fault, "install the program again", path=file) from None


def agreement(found: Minutiae, expected: Minutiae) -> Agreement:
    """Pair each expected minutia with one of the same type that was found within a step of it, each once."""
    free = np.ones(len(found), dtype=bool)
    paired = 0
    for k in range(len(expected)):
        distance = np.hypot(found.x - expected.x[k], found.y - expected.y[k])
        turn = np.abs((found.angle - expected.angle[k] + math.pi) % (2 * math.pi) - math.pi)
        near = free & (distance <= math.sqrt(2) * MOST_SHIFT_PX + 1e-3) & (turn <= MOST_TURN + 1e-3)
        near &= found.type == expected.type[k]
        if near.any():
            free[int(np.argmin(np.where(near, distance, np.inf)))] = False
            paired += 1
    return Agreement(
        expected=len(expected),
        found=len(found),
        paired=paired,
        quality_differs=abs(found.finger_quality - expected.finger_quality),
    )


def main() -> None:
    """Extract it here, with the model that ships; one line of JSON. In a process of its own, which may be killed."""
    from edge_service.extraction import Extractor

    extractor = Extractor.load()
    known = read_reference()
    # As it is sent: rounded to the record's steps.
    made = iso19794.decode(iso19794.encode(extractor.extract(known.image, known.dpi))).minutiae()
    result = agreement(made, known.minutiae)
    print(  # noqa: T201 - to the process that asked
        json.dumps(
            {
                "same_model": extractor.model_sha256 == known.model_sha256,
                "good": result.good,
                "expected": result.expected,
                "found": result.found,
                "paired": result.paired,
                "quality_differs": result.quality_differs,
            }
        )
    )
