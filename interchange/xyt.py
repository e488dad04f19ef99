"""The xyt text of NBIS (mindtct writes it, bozorth3 reads it): a line "x y theta quality" for each minutia.

As mindtct writes it by default (its manual page, "NIST internal" representation): pixels from the bottom left corner, y
upwards, so that y is the image's height less the row; theta in whole degrees counter-clockwise, pointing out of the
ridge ending, which is half a turn from ISO/IEC 19794-2; quality 0 to 100, in some files left out. The text does not say
which finger it is, how large the image was, or of which type a minutia is.
"""

from __future__ import annotations

import re

import numpy as np

from interchange.errors import TemplateError
from interchange.foreign_formats import named
from interchange.minutiae import Minutiae

MAX_LINES = 1000  # mindtct's own limit (MAX_FILE_MINUTIAE)
MAX_BYTES = 32 * 1024
MAX_PIXELS = 0x3FFF  # what a record of ISO/IEC 19794-2 can hold
HALF_TURN, FULL_TURN = 180, 360
_NUMBERS = re.compile(r"-?[0-9]{1,6}")


def encode(minutiae: Minutiae) -> bytes:
    """The text, without the minutiae's types. Raises TemplateError for more minutiae than bozorth3 reads."""
    if len(minutiae) > MAX_LINES:
        raise TemplateError(
            "number of minutiae", expected=f"at most {MAX_LINES}", found=f"{len(minutiae)} minutiae"
        )
    x = np.rint(minutiae.x).astype(int)
    y = minutiae.height - np.rint(minutiae.y).astype(int)
    degrees = np.rint(np.rad2deg(minutiae.angle.astype(np.float64))).astype(int)
    theta = (degrees + HALF_TURN) % FULL_TURN
    quality = np.rint(minutiae.quality * 100).astype(int)
    lines = (
        f"{a} {b} {t} {q}\n"
        for a, b, t, q in zip(x.tolist(), y.tolist(), theta.tolist(), quality.tolist(), strict=True)
    )
    return "".join(lines).encode("ascii")


def decode(
    data: bytes | bytearray | memoryview,
    *,
    width: int | None = None,
    height: int | None = None,
    dpi: float = 500.0,
) -> Minutiae:
    """The minutiae, all of type "other". Without the image's size, in an image that just holds them.

    Raises TemplateError that names the line (`offset` is None: lines are what a person looks for).
    """
    raw = memoryview(data).tobytes()
    if len(raw) > MAX_BYTES:
        raise TemplateError("xyt text", expected=f"at most {MAX_BYTES} bytes", found=f"{len(raw)} bytes")
    other = "a minutiae record" if raw[:4] == b"FMR\0" else named(raw)
    if other is not None:
        raise TemplateError("xyt text", expected="lines of numbers", found=other, offset=0)
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise TemplateError(
            "xyt text", expected="lines of numbers", found="a byte that is no text", offset=error.start
        ) from None
    rows = [_row(line, number) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(rows) > MAX_LINES:
        raise TemplateError("xyt text", expected=f"at most {MAX_LINES} lines", found=f"{len(rows)} lines")
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    tall = int(table[:, 1].max(initial=0)) + 1 if height is None else height
    wide = int(table[:, 0].max(initial=0)) + 1 if width is None else width
    y = tall - table[:, 1]
    outside = np.flatnonzero((table[:, 0] > wide - 1) | (y < 0) | (y > tall))
    if len(outside):
        raise TemplateError(
            f"coordinates of minutia {int(outside[0]) + 1}",
            expected=f"within the image of {wide} x {tall} pixels",
            found="one beyond its edge; check the image's size",
        )
    return Minutiae.make(
        table[:, 0],
        np.minimum(y, tall - 1),
        np.deg2rad((table[:, 2] + HALF_TURN) % FULL_TURN),
        quality=table[:, 3] / 100,
        width=wide,
        height=tall,
        dpi=dpi,
    )


def _row(line: str, number: int) -> tuple[int, int, int, int]:
    parts = line.split()
    if len(parts) not in {3, 4} or not all(_NUMBERS.fullmatch(part) for part in parts):
        raise TemplateError(
            f"line {number}",
            expected="x y theta quality, as whole numbers",
            found=f"{len(parts)} words or no numbers",
        )
    x, y, theta, quality = [*map(int, parts), 0][:4]
    for name, value, low, high in (
        ("x", x, 0, MAX_PIXELS), ("y", y, 0, MAX_PIXELS), ("theta", theta, -HALF_TURN, FULL_TURN),
        ("quality", quality, 0, 100),
    ):  # fmt: skip
        if not low <= value <= high:
            raise TemplateError(f"line {number}, {name}", expected=f"{low} to {high}", found=value)
    return x, y, theta, quality
