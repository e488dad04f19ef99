"""Looks for a finger's image in a process's memory, in every form that it has on its way through the kiosk.

A *mark* is 24 bytes from the middle of a row where the ridges are, so that no two images share one. What is looked for:
the image unpacked (a grey level a byte), as it goes over the wire (two pixels a byte), as the network takes it (8 bits
with the sign turned, or 32 bits a pixel), and the PNG that the page gets.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MARK_BYTES = 24
ROWS = 8
"""So many rows, spread over the middle of the image, give a mark each."""
LEAST_CHANGES = 12
"""A mark without ridges, such as a piece of even background, would be found anywhere."""
_PIECE = 16 * 1024 * 1024
_GREY_STEP = 17


@dataclass(frozen=True, slots=True)
class ImageMarks:
    """The marks of one image, by form."""

    marks: dict[str, tuple[bytes, ...]]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> ImageMarks:
        """Of uint8 (height, width), as the host gets it: 16 grey levels."""
        from PIL import Image

        packed = ((pixels[:, 0::2] // _GREY_STEP << 4) | (pixels[:, 1::2] // _GREY_STEP)).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        png = file.getvalue()
        forms = {
            "pixels": _rows(pixels),
            "wire": _rows(packed),
            "tensor8": _rows(pixels ^ np.uint8(0x80)),
            "tensor32": _rows(pixels.astype(np.float32)),
            "png": tuple(
                png[at : at + MARK_BYTES] for at in range(2000, len(png) - 2000, max(1, len(png) // ROWS))
            ),
        }
        return cls({name: tuple(dict.fromkeys(found)) for name, found in forms.items()})

    def found_in(self, pid: int) -> dict[str, int]:
        """How many places hold a mark of each form, at most one place counted for each mark and mapping."""
        counts = dict.fromkeys(self.marks, 0)
        for piece in _memory(pid):
            for name, marks in self.marks.items():
                counts[name] += sum(mark in piece for mark in marks)
        return counts


def _rows(image: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[bytes, ...]:
    height, width = image.shape
    length = MARK_BYTES // image.itemsize if image.itemsize == 1 else MARK_BYTES
    left = (width - length) // 2
    found: list[bytes] = []
    for row in np.linspace(height // 4, height * 3 // 4, ROWS).astype(int):
        mark = image[row, left : left + length]
        if np.count_nonzero(np.diff(mark)) >= min(LEAST_CHANGES, length // 2):
            found.append(mark.tobytes())
    return tuple(found)


def _memory(pid: int) -> Iterator[bytes]:
    """What the process can write to: heap, stacks, and what it has mapped for itself."""
    folder = Path("/proc") / str(pid)
    with (folder / "mem").open("rb", buffering=0) as memory:
        for line in (folder / "maps").read_text("ascii", "replace").splitlines():
            span, rights, *_ = line.split()
            if "rw" not in rights:
                continue
            first, end = (int(word, 16) for word in span.split("-"))
            while first < end:
                try:
                    memory.seek(first)
                    piece = memory.read(min(_PIECE, end - first))
                except OSError:
                    break  # a page that nothing can be read of, such as a guard
                if not piece:
                    break
                yield piece
                first += max(1, len(piece) - 4 * MARK_BYTES) if len(piece) == _PIECE else len(piece)
