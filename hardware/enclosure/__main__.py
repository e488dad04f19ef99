"""`python -m hardware.enclosure`: pictures, printable parts and checks of the kiosk's enclosure.

    python -m hardware.enclosure                     draw hardware/enclosure/pictures anew (half a minute)
    python -m hardware.enclosure --stl DIR           write the parts as STL files, R307
    python -m hardware.enclosure --stl DIR --sensor R503 --tilt 25
    python -m hardware.enclosure --check             every part closed and whole, nothing inside anything else

Needs OpenSCAD 2021.01 or later; for pictures on a machine without a screen also xvfb.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.progress import track

from hardware.enclosure.openscad import (
    CLASHES,
    KIOSK,
    PARTS,
    EnclosureError,
    bodies,
    export_part,
    picture,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURES: Final = KIOSK.with_name("pictures")
MADE_FROM: Final = PICTURES / "made-from.json"

_DRAWN_PX: Final = (1800, 1350)  # drawn at twice the size and reduced: OpenSCAD does not smooth edges
_WIDTH_PX: Final = 860
_MARGIN_PX: Final = 16
_COLOURS: Final = 96  # keeps each file far below 150 KB


class View(NamedTuple):
    """A picture: the scad file's view, the camera's angles, and the settings that differ."""

    name: str
    view: str
    angles: str
    settings: Mapping[str, str | float] = MappingProxyType({})


VIEWS: Final = (
    View("closed", "closed", "62,0,28"),
    View("closed-r503", "closed", "62,0,28", {"sensor": "R503"}),
    View("exploded", "exploded", "68,0,28"),
    View("inside", "inside", "50,0,24"),
    View("cut", "cut", "76,0,-62"),
    View("back", "closed", "68,0,200"),
    View("underside", "underside", "128,0,28"),
    View("step1", "step1", "48,0,205"),
    View("step2", "step2", "48,0,205"),
    View("step3", "step3", "40,0,205"),
    View("step4", "step4", "58,0,24"),
    View("step5", "step5", "60,0,205"),
    View("print", "print", "42,0,200"),
)


def scad_sha256() -> str:
    """What the pictures are held against: the SHA-256 of the scad file."""
    return hashlib.sha256(KIOSK.read_bytes()).hexdigest()


def draw_pictures() -> None:
    """Draw every view into `PICTURES`. Raises `EnclosureError`."""
    from PIL import Image, ImageChops

    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for view in track(VIEWS, "Drawing"):
            raw = Path(folder) / f"{view.name}.png"
            picture(raw, view=view.view, camera=f"0,0,0,{view.angles},500", pixels=_DRAWN_PX, **view.settings)
            with Image.open(raw) as opened:
                image = opened.convert("RGB")
            paper = Image.new("RGB", image.size, image.getpixel((0, 0)))
            box = ImageChops.difference(image, paper).getbbox()
            if box is None:
                raise EnclosureError(f"view {view.name}: the picture is empty")
            left, top, right, bottom = box
            margin = 2 * _MARGIN_PX
            image = image.crop((left - margin, top - margin, right + margin, bottom + margin))
            high = round(image.height * _WIDTH_PX / image.width)
            image = image.resize((_WIDTH_PX, high), Image.Resampling.LANCZOS)
            image.quantize(_COLOURS).save(PICTURES / f"{view.name}.png", optimize=True)
    made = {"kiosk.scad sha256": scad_sha256(), "pictures": [f"{view.name}.png" for view in VIEWS]}
    MADE_FROM.write_text(json.dumps(made, indent=2) + "\n", encoding="ascii")


def write_parts(folder: Path, **settings: str | float) -> None:
    """Write each part to print as `folder`/part.stl. Raises `EnclosureError`."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in track(PARTS, "Parts"):
        out = folder / f"{part}.stl"
        if not export_part(part, out, **settings):
            raise EnclosureError(f"part {part} is empty")
        if (count := bodies(out)) != 1:
            raise EnclosureError(f"part {part} falls into {count} pieces")


def check(**settings: str | float) -> None:
    """Raises `EnclosureError` when a part is not one closed body, or when two things are in one place."""
    with tempfile.TemporaryDirectory() as folder:
        write_parts(Path(folder), **settings)
        for clash in track(CLASHES, "Clashes"):
            if export_part(clash, Path(folder) / "clash.stl", **settings):
                raise EnclosureError(
                    f"{clash}: two parts are in one place; look at `part = {clash}` in OpenSCAD"
                )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hardware.enclosure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stl", metavar="DIR", type=Path, help="write the printable parts there")
    parser.add_argument("--check", action="store_true", help="check the parts; writes nothing")
    parser.add_argument("--sensor", choices=["R307", "R503"], default="R307")
    parser.add_argument("--pi", choices=["pi4", "pi5", "zero2w"], default="pi4")
    parser.add_argument("--tilt", type=float, default=30.0, help="of the face, 25 to 40 degrees")
    given = parser.parse_args()
    settings: dict[str, str | float] = {"sensor": given.sensor, "pi": given.pi, "tilt": given.tilt}
    try:
        if given.check:
            check(**settings)
        elif given.stl is not None:
            write_parts(given.stl, **settings)
        else:
            draw_pictures()
    except EnclosureError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
