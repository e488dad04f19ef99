"""A print as a gallery keeps it: eight bytes a minutia, and a sketch of its cylinder for the index.

What an exact comparison needs beside it (the cylinders) is built anew from these columns for the few prints that
the index lets through: kept, it would be twice as large as all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matcher_service.search import parameters as p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae
    from matcher_service.search.template import Template

SKETCH_WORDS = 2
STEPS_PER_PX = 16  # of the fixed-point coordinates: 4,096 px at 500 dpi are eight inches
ANGLE_STEPS = 65536  # to the turn
QUALITY_STEPS = 255


class Packed(NamedTuple):
    """One print; all columns of equal length n.

    Attributes:
        x: uint16 (n,), sixteenths of a pixel at 500 dpi, to the right.
        y: uint16 (n,), sixteenths of a pixel at 500 dpi, **downwards**.
        angle: uint16 (n,), 65,536 to the turn, counter-clockwise as the print is seen.
        info: uint16 (n,), type in the high byte, quality 0 to 255 in the low one (0: not reported).
        sketch: uint64 (n, SKETCH_WORDS), see `sketch`.
    """

    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    angle: NDArray[np.uint16]
    info: NDArray[np.uint16]
    sketch: NDArray[np.uint64]


def pack_print(minutiae: Minutiae) -> Packed:
    """Columns of a print, at 500 dpi; of more than `parameters.MOST_MINUTIAE`, those of best quality."""
    from matcher_service.search.sketch import sketch_of

    columns = _columns(minutiae)
    template = template_of(columns)
    return columns._replace(sketch=sketch_of(template.bits, template.mask))


def template_of(columns: Packed) -> Template:
    """A print ready for comparison, as the gallery knows it: what the packing rounded stays rounded."""
    from matcher_service.search.template import template_from

    return template_from(
        *places(columns.x, columns.y, columns.angle),
        (columns.info >> 8).astype(np.uint8),
        (columns.info & 255) * np.float32(1 / QUALITY_STEPS),
    )


def places(
    x: NDArray[np.uint16], y: NDArray[np.uint16], angle: NDArray[np.uint16]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Packed columns as a template has them: pixels at 500 dpi, y **upwards**, and radians, float32 (n,) each."""
    return (
        x * np.float32(1 / STEPS_PER_PX),
        y * np.float32(-1 / STEPS_PER_PX),
        angle * np.float32(2 * np.pi / ANGLE_STEPS),
    )


def _columns(minutiae: Minutiae) -> Packed:
    at = minutiae.at_dpi(p.DPI)
    if len(at) > p.MOST_MINUTIAE:
        at = at.take(np.sort(np.argsort(-at.quality, kind="stable")[: p.MOST_MINUTIAE]))
    quality = np.rint(np.clip(at.quality, 0, 1) * QUALITY_STEPS).astype(np.uint16)
    # Minutiae may lie left of the image or above it; where the print lies does not matter, so it is moved in.
    return Packed(
        x=_fixed(at.x - min(0.0, float(at.x.min(initial=0.0)))),
        y=_fixed(at.y - min(0.0, float(at.y.min(initial=0.0)))),
        angle=(np.rint(at.angle * (ANGLE_STEPS / (2 * np.pi))).astype(np.int64) % ANGLE_STEPS).astype(
            np.uint16
        ),
        info=(at.type.astype(np.uint16) * np.uint16(256)) | quality,
        sketch=np.zeros((len(at), SKETCH_WORDS), np.uint64),
    )


def _fixed(pixels: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(np.clip(pixels, 0, 65535 / STEPS_PER_PX) * STEPS_PER_PX).astype(np.uint16)
