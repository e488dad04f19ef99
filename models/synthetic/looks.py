"""What sensors of several kinds make of the same touch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Look:
    """How a sensor shows a print; grey levels are of 0 to 255, ranges are drawn from once a touch.

    Attributes:
        ground: grey of the glass with nothing on it.
        depth: how much darker a ridge is, full on the glass.
        halo: how much darker valleys are than the ground, as moisture and stray light make them.
        vignette: how much darker the corners are.
        stripes: standard deviation of columns against each other.
        clouds: standard deviation of large patches of the ground.
        noise: standard deviation of each pixel.
        blur: share of each neighbour in a pixel, 0 to 0.25.
        sharp: how steeply a ridge's flank darkens.
        pores: how plainly pores show.
        grain: noise of one or two pixels in the contact itself, in ridge heights.
        blotches: noise of about a ridge's width in the contact, in ridge heights.
        dirt: how often specks lie on the ground.
        stretch: contrast put on by the sensor before it cuts off at black and white.
    """

    ground: tuple[float, float]
    depth: tuple[float, float]
    halo: tuple[float, float]
    vignette: tuple[float, float]
    stripes: tuple[float, float]
    clouds: tuple[float, float]
    noise: tuple[float, float]
    blur: tuple[float, float]
    sharp: tuple[float, float]
    pores: tuple[float, float]
    grain: tuple[float, float]
    blotches: tuple[float, float]
    dirt: tuple[float, float]
    stretch: tuple[float, float]

    def drawn(self, rng: Generator) -> dict[str, float]:
        """One sensor of the kind on one day: every range drawn from."""
        return {field.name: float(rng.uniform(*getattr(self, field.name))) for field in fields(self)}


LOOKS: dict[str, Look] = {
    # a prism lit so that the ground is white and the ridges black
    "optical": Look(
        ground=(232, 254), depth=(165, 240), halo=(0, 25), vignette=(0, 10), stripes=(0, 0.6), clouds=(0.5, 3),
        noise=(1.0, 4.0), blur=(0.06, 0.16), sharp=(3.5, 7.0), pores=(0.2, 0.9), grain=(0.12, 0.50),
        blotches=(0.08, 0.40), dirt=(0.0, 0.6), stretch=(1.0, 1.3),
    ),
    # a prism without correction: grey ground, dark corners, remains of earlier fingers
    "prism": Look(
        ground=(165, 205), depth=(100, 155), halo=(0, 30), vignette=(5, 55), stripes=(0, 0.8), clouds=(2, 7),
        noise=(2.0, 5.0), blur=(0.04, 0.16), sharp=(3.0, 6.0), pores=(0.2, 1.0), grain=(0.15, 0.50),
        blotches=(0.10, 0.40), dirt=(0.3, 1.0), stretch=(1.0, 1.0),
    ),
    # a silicon sensor: grey ground with stripes and grain, ridges nearly black, edges that fray
    "capacitive": Look(
        ground=(95, 140), depth=(70, 105), halo=(-8, 12), vignette=(-35, 30), stripes=(1.5, 5.0), clouds=(3, 9),
        noise=(4.0, 9.0), blur=(0.0, 0.06), sharp=(5.0, 11.0), pores=(0.1, 0.9), grain=(0.30, 0.75),
        blotches=(0.15, 0.50), dirt=(0.0, 0.5), stretch=(1.0, 1.0),
    ),
    # the serial modules: small prism and camera, sharpened by the firmware
    "module": Look(
        ground=(185, 240), depth=(130, 190), halo=(10, 50), vignette=(5, 50), stripes=(0, 1.5), clouds=(2, 6),
        noise=(3.0, 9.0), blur=(0.08, 0.18), sharp=(3.0, 6.0), pores=(0.1, 0.6), grain=(0.15, 0.45),
        blotches=(0.10, 0.35), dirt=(0.2, 1.0), stretch=(1.0, 1.35),
    ),
}  # fmt: skip
