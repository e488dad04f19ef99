"""OpenSCAD as a child process, with or without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

KIOSK: Final = Path(__file__).with_name("kiosk.scad")

PARTS: Final = ("shell", "lid", "strap", "clamp", "cover")
CLASHES: Final = ("clash_above", "clash_below")

_LONGEST_S: Final = 300.0
"""A part takes 6 s on a laptop, the check for clashes 25 s."""


class EnclosureError(Exception):
    """OpenSCAD is absent, or refused; the message says what it said."""


def find_openscad() -> str | None:
    """The program, or None where it is not installed."""
    return shutil.which("openscad")


def export_part(part: str, out: Path, **settings: str | float) -> bool:
    """Write one part as STL. False if it is empty. Raises `EnclosureError` when it is not one closed body."""
    said = _run([], {"part": part, **settings}, out)
    if "object is empty" in said:
        return False
    if "Simple:        yes" not in said.replace("\t", " "):
        raise EnclosureError(f"{part} is not a closed body; a slicer would guess. OpenSCAD says:\n{said}")
    return True


def bodies(out: Path) -> int:
    """How many separate bodies an ASCII STL file holds; a printed part ought to be one."""
    above: dict[str, str] = {}

    def top(point: str) -> str:
        while above.setdefault(point, point) != point:
            above[point] = above[above[point]]
            point = above[point]
        return point

    corners = [line.split(None, 1)[1] for line in out.read_text("ascii").splitlines() if "vertex" in line]
    for first in range(0, len(corners), 3):
        a, b, c = corners[first : first + 3]
        above[top(b)] = top(a)
        above[top(c)] = top(a)
    return len({top(corner) for corner in corners})


def picture(out: Path, *, view: str, camera: str, pixels: tuple[int, int], **settings: str | float) -> None:
    """Draw a view as PNG. The camera is OpenSCAD's: a point looked at, three angles in degrees, a distance."""
    options = [
        f"--camera={camera}",
        "--viewall",
        "--autocenter",
        f"--imgsize={pixels[0]},{pixels[1]}",
        "--colorscheme=Tomorrow",
    ]
    _run(options, {"view": view, **settings}, out, screen=True)
    if not out.exists() or out.stat().st_size == 0:
        raise EnclosureError(
            "OpenSCAD drew nothing: it needs a screen or a virtual one, `sudo apt install xvfb`"
        )


def _run(options: list[str], settings: dict[str, str | float], out: Path, *, screen: bool = False) -> str:
    program = find_openscad()
    if program is None:
        raise EnclosureError("openscad is not installed: `sudo apt install openscad xvfb`")
    command = [program, "-o", str(out), *options]
    for name, value in settings.items():
        command += ["-D", f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"]
    if screen and "DISPLAY" not in os.environ and (virtual := shutil.which("xvfb-run")):
        command = [virtual, "-a", *command]
    with tempfile.TemporaryFile("w+") as said:
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, our own arguments
                [*command, str(KIOSK)],
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EnclosureError(f"OpenSCAD did not end within {_LONGEST_S:.0f} s") from error
        said.seek(0)
        text = said.read()
    # An empty result is an error to OpenSCAD, and what we hope for when we look for clashes.
    if (done.returncode != 0 and "object is empty" not in text) or "ERROR" in text or "WARNING" in text:
        raise EnclosureError(f"OpenSCAD refused ({done.returncode}):\n{text}")
    return text
