"""The stages of an extraction as pictures, each with a title, and a legend where colours mean something.

All but the first show the print at 500 dpi, enlarged alike, so that a place is the same place in all of them.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import decode
from edge_service.extraction import parameters as p
from edge_service.extraction.frames import background
from edge_service.extraction.trace_canvas import (
    FAINT,
    INK,
    Canvas,
    Colour,
    Key,
    blended,
    enlarged,
    framed,
    gradient,
    pale,
)
from interchange import MinutiaType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

    from edge_service.extraction.trace import Trace
    from interchange import Minutiae

    Grey = NDArray[np.uint8]
    Plane = NDArray[np.float32]

HEAT_STOPS: tuple[Colour, ...] = (
    (68, 20, 110),
    (160, 40, 120),
    (226, 80, 70),
    (250, 155, 40),
    (255, 238, 140),
)
SEEN, UNSEEN = (42, 157, 143), (120, 124, 130)
TILE_COLOURS: tuple[Colour, ...] = ((29, 105, 196), (217, 95, 2), (27, 140, 90), (170, 50, 150))
KEPT, TOO_NEAR, TOO_COOL = (17, 138, 78), (222, 120, 0), (150, 155, 165)
QUALITY_STOPS: tuple[Colour, ...] = ((214, 60, 40), (240, 170, 30), (40, 150, 90), (16, 96, 150))
FLOOR_OF_HEAT = 0.03  # what the network says of plain ridges and of nothing
LEAST_SHOWN_HEAT = 0.05  # cooler maxima are everywhere and mean nothing
LEAST_SHOWN_DIRECTION = 0.3  # shorter ones are guesses between minutiae
NEEDLE_EVERY_CELLS, NEEDLE_PX = 2, 6.5
HUE_STEPS = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a trace.

    Attributes:
        name: of its file.
        title: in a few words.
        says: one sentence on what is to be seen.
        image: the picture, RGB.
    """

    name: str
    title: str
    says: str
    image: Image


def pictures(trace: Trace) -> Iterator[Picture]:
    """Every stage that the extraction came to, in order."""
    if trace.image is None:
        return
    height, width = trace.image.shape
    yield Picture(
        "01-image.png",
        "The image as it came",
        f"{width} x {height} pixels at {trace.dpi:g} dpi, unchanged.",
        enlarged(trace.image, 1),
    )
    if trace.resampled is None or trace.output is None or trace.tile is None:
        return
    grey, output, heat = trace.resampled, trace.output, decode.probability(trace.output[..., decode.HEAT])
    yield _tiles(grey, trace.tile, trace.corners)
    yield _mask(grey, output)
    yield _heat(grey, heat)
    yield _directions(grey, output)
    if trace.decoded is None:
        return
    yield _peaks(grey, output, heat, trace.decoded)
    yield _minutiae(grey, trace.decoded)


def _tiles(grey: Grey, tile: tuple[int, int], corners: tuple[tuple[int, int], ...]) -> Picture:
    height, width = grey.shape
    bottom, right = (max(c[k] + tile[k] for c in corners) for k in (0, 1))
    ground = np.full((max(height, bottom), max(width, right)), background(grey), np.uint8)
    ground[:height, :width] = grey
    canvas = Canvas(pale(ground, 0.25))
    outside = np.ones(ground.shape, np.bool_)
    outside[:height, :width] = False
    canvas.hatch(outside)
    for number, (y, x) in enumerate(corners):
        inset = 1.5 * (number % len(TILE_COLOURS))  # so that frames that meet can be told apart
        canvas.box(
            (x + inset, y + inset, x + tile[1] - inset, y + tile[0] - inset),
            TILE_COLOURS[number % len(TILE_COLOURS)],
        )
    keys = [
        Key("frame", TILE_COLOURS[0], "one run of the network"),
        Key("hatch", FAINT, "filled with background"),
    ]
    title = f"At 500 dpi, in {len(corners)} tile{'s' if len(corners) > 1 else ''} of {tile[1]} x {tile[0]}"
    return Picture(
        "02-resampled-500dpi.png",
        title,
        f"The print at the network's resolution, {width} x {height} pixels, cut into what the network takes at a time.",
        framed(canvas.image, title, keys),
    )


def _mask(grey: Grey, output: Plane) -> Picture:
    seen = decode.probability(output[..., decode.PRINT])
    canvas = Canvas(blended(pale(grey, 0.15), UNSEEN, 0.62 * (1.0 - _over(seen, grey.shape))))
    canvas.contour(_over(seen, grey.shape) >= p.PRINT_PROBABILITY, SEEN)
    area = decode.area_mm2(seen >= p.PRINT_PROBABILITY)
    title = f"Where there is a print: {area:.0f} mm2"
    return Picture(
        "03-mask.png",
        title,
        f"Inside the line the network sees ridges that it can read, {area:.0f} square millimetres; the rest is veiled.",
        framed(
            canvas.image, title, [Key("line", SEEN, "edge of the print"), Key("block", UNSEEN, "no print")]
        ),
    )


def _heat(grey: Grey, heat: Plane) -> Picture:
    shown = _over(np.maximum(heat - FLOOR_OF_HEAT, 0.0), grey.shape)
    canvas = Canvas(
        blended(pale(grey, 0.55), gradient(shown, HEAT_STOPS), np.clip(1.6 * shown**0.7, 0.0, 0.95))
    )
    title = "Heat: how sure the network is of a minutia"
    keys = [Key("scale", INK, "0 to 1", HEAT_STOPS)]
    return Picture(
        "04-heat.png",
        title,
        f"The brighter, the likelier a minutia; what stays below {p.LEAST_HEAT:g} at its peak is dropped later.",
        framed(canvas.image, title, keys),
    )


def _directions(grey: Grey, output: Plane) -> Picture:
    cos, sin = output[..., decode.COS], output[..., decode.SIN]
    sure = np.clip(np.hypot(cos, sin), 0.0, 1.0) * decode.probability(output[..., decode.PRINT])
    hues = (np.arctan2(sin, cos) % (2.0 * np.pi)) / (2.0 * np.pi)
    colours = _nearest(_hue_table()[(hues * 255.0).astype(np.uint8)], grey.shape)
    strength = _over(sure**1.5, grey.shape)
    canvas = Canvas(blended(pale(grey, 0.4), colours, 0.7 * strength))
    for row in range(0, len(sure), NEEDLE_EVERY_CELLS):
        for column in (
            np.flatnonzero(sure[row, ::NEEDLE_EVERY_CELLS] >= LEAST_SHOWN_DIRECTION) * NEEDLE_EVERY_CELLS
        ):
            length = NEEDLE_PX * float(sure[row, column])
            angle = math.atan2(sin[row, column], cos[row, column])
            at = ((column + 0.5) * p.STRIDE_PX - 0.5, (row + 0.5) * p.STRIDE_PX - 0.5)
            canvas.needle(at, angle, length=length, colour=INK)
    title = "Directions: where a minutia would point"
    return Picture(
        "05-directions.png",
        title,
        "Needle and colour (see the wheel) are the direction that a minutia at this place would have, stronger where "
        "the network is sure of it.",
        framed(canvas.image, title, [Key("wheel", INK, "direction", tuple(wheel_colours()))]),
    )


def _peaks(grey: Grey, output: Plane, heat: Plane, decoded: Minutiae) -> Picture:
    # whatever their heat: what `decode` looks at before its threshold
    rows, columns = np.nonzero(decode.peaks(heat, least=LEAST_SHOWN_HEAT))
    certainty = heat[rows, columns]
    x, y = decode.places(output[rows, columns], rows, columns)
    canvas = Canvas(pale(grey, 0.62))
    counts = {KEPT: 0, TOO_NEAR: 0, TOO_COOL: 0}
    for k in np.argsort(certainty):
        colour = _fate(float(x[k]), float(y[k]), float(certainty[k]), decoded)
        counts[colour] += 1
        canvas.dot((float(x[k]), float(y[k])), 1.5 + 4.5 * math.sqrt(certainty[k]), colour)
    keys = [
        Key("dot", KEPT, f"kept ({counts[KEPT]})"),
        Key("dot", TOO_NEAR, f"too near a hotter one ({counts[TOO_NEAR]})"),
        Key("dot", TOO_COOL, f"below {p.LEAST_HEAT:g} ({counts[TOO_COOL]})"),
    ]
    title = f"Peaks of the heat: {counts[KEPT]} of {len(certainty)} kept"
    return Picture(
        "06-peaks.png",
        title,
        "Every local maximum of the heat, larger where it is hotter, and what became of it.",
        framed(canvas.image, title, keys),
    )


def _minutiae(grey: Grey, decoded: Minutiae) -> Picture:
    canvas = Canvas(pale(grey, 0.55))
    for k in reversed(range(len(decoded))):  # the most certain on top
        certainty = float(decoded.quality[k])
        r, g, b = gradient(np.array(certainty), QUALITY_STOPS).tolist()
        canvas.minutia(
            (float(decoded.x[k]), float(decoded.y[k])),
            float(decoded.angle[k]),
            size=1.8 + 2.6 * certainty,
            colour=(int(r), int(g), int(b)),
            square=int(decoded.type[k]) == MinutiaType.BIFURCATION,
        )
    title = f"{len(decoded)} minutiae, by certainty"
    keys = [
        Key("scale", INK, f"{p.LEAST_HEAT:g} to 1", tuple(_quality_colours())),
        Key("ring", INK, "ridge ending"),
        Key("square", INK, "bifurcation"),
    ]
    return Picture(
        "07-minutiae.png",
        title,
        "What is left: the tick points along the ridge (of an ending) or the valley (of a bifurcation), size and "
        "colour tell the certainty.",
        framed(canvas.image, title, keys),
    )


def wheel_colours() -> Iterator[Colour]:
    """Colours of the directions from 0 on, counter-clockwise."""
    for hue in np.arange(HUE_STEPS * 2) / (HUE_STEPS * 2):
        r, g, b = _hue_table()[int(hue * 255)].tolist()
        yield int(r), int(g), int(b)


def _quality_colours() -> Iterator[Colour]:
    for value in np.linspace(p.LEAST_HEAT, 1.0, 8):
        r, g, b = gradient(np.array(value), QUALITY_STOPS).tolist()
        yield int(r), int(g), int(b)


def _hue_table() -> NDArray[np.float32]:
    """Colour of 256 directions round the circle, float32 (256, 3)."""
    return np.array([colorsys.hls_to_rgb(k / 256.0, 0.48, 0.85) for k in range(256)], np.float32) * 255.0


def _fate(x: float, y: float, certainty: float, decoded: Minutiae) -> Colour:
    """What became of a peak: its colour. What is kept stands where the peak stands."""
    if certainty < p.LEAST_HEAT:
        return TOO_COOL
    apart = np.hypot(decoded.x - x, decoded.y - y)
    return KEPT if bool(((apart < 1.0) & (decoded.quality == np.float32(certainty))).any()) else TOO_NEAR


def _over(plane: Plane, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A plane of cells brought smoothly to pixels, float32 of `shape`."""
    from PIL import Image

    rows, columns = plane.shape
    size = (columns * p.STRIDE_PX, rows * p.STRIDE_PX)
    smooth = Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(smooth)[: shape[0], : shape[1]].clip(0.0, 1.0)


def _nearest(cells: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Colours of cells as blocks of pixels, float32 (height, width, 3)."""
    return cells.repeat(p.STRIDE_PX, axis=0).repeat(p.STRIDE_PX, axis=1)[: shape[0], : shape[1]]
