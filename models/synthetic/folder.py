"""A folder of synthetic prints with their truth, named as the FVC databases are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interchange import iso19794
from models.synthetic import parameters as p
from models.synthetic.master import master
from models.synthetic.touch import touch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.synthetic.touch import Touch


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the prints are taken with; the fields are the arguments of `touch`."""

    window: tuple[int, int] = (384, 320)
    dpi: float = p.DPI
    look: str | None = None
    levels: int = 256
    difficulty: float | None = None


def write_folder(out: Path, *, fingers: int, impressions: int, seed: int, sensor: Sensor) -> Iterator[Path]:
    """Write `fingers` times `impressions` prints and yield the path of each image as it is done.

    Beside ``<finger>_<impression>.png`` stand ``.iso``, its minutiae as an ISO/IEC 19794-2:2005 record, and
    ``.npz`` with `mask` (bool, where skin touches) and `orientation` (float16, radians in [0, pi), counter-clockwise,
    of every pixel). The same arguments write the same bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    for number in range(fingers):
        finger = master(seed + number)
        for k in range(1, impressions + 1):
            made = touch(
                finger,
                k,
                window=sensor.window,
                dpi=sensor.dpi,
                look=sensor.look,
                levels=sensor.levels,
                difficulty=sensor.difficulty,
            )
            yield write_print(made, out / f"{number + 1}_{k}.png")


def write_print(made: Touch, path: Path) -> Path:
    """Write a touch's image to `path` and its truth beside it; see `write_folder`."""
    from PIL import Image

    dpi = round(made.minutiae.dpi)
    Image.fromarray(made.image).save(path, dpi=(dpi, dpi))
    path.with_suffix(".iso").write_bytes(iso19794.encode(made.minutiae))
    np.savez_compressed(
        path.with_suffix(".npz"), mask=made.mask, orientation=made.orientation().astype(np.float16)
    )
    return path
