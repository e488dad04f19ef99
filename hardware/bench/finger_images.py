"""From a picture of a print to what a sensor's window would have seen of it. Pure but for `load_image`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import ImageRefused, read_image
from hardware.bench.parameters import PRINT_BLOCK_PX, PRINT_BLOCK_STD

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp", ".wsq"})


def load_image(source: Path | str | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as uint8 (height, width), from a png, tif, bmp or wsq file or an array of that form.

    Colour becomes grey, sixteen bits become eight. Raises ValueError that names the file when it is not a
    picture or an array of another form, FileNotFoundError when it is not there.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 2 or source.size == 0:
            raise ValueError(f"expected uint8 (height, width), not {source.dtype} {source.shape}")
        return source
    try:
        return read_image(source)
    except ImageRefused as error:
        if not Path(source).exists():
            raise FileNotFoundError(str(error)) from error
        raise ValueError(str(error)) from error


def images_in(folder: Path) -> list[Path]:
    """The pictures of a folder, `2_1` before `10_1`."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(files, key=_natural)


def fit_to_window(image: NDArray[np.uint8], *, width: int, height: int) -> NDArray[np.uint8]:
    """What a window of `width` x `height` pixels shows of `image`: the print centred, cropped, padded.

    The window is laid round the middle of the print, as a person centres the finger, but not beyond the
    image where the image is large enough. Where it is not, the picture's background fills the rest.
    """
    row, column = _print_centre(image)
    top = _place(row, size=height, available=image.shape[0])
    left = _place(column, size=width, available=image.shape[1])
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    window = np.full((height, width), np.median(border), dtype=np.uint8)
    part = image[max(top, 0) : top + height, max(left, 0) : left + width]
    window[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]] = part
    return window


def pack_image(window: NDArray[np.uint8]) -> bytes:
    """The wire's form: top four bits of each pixel, row by row, the left pixel in the high nibble."""
    return ((window[:, 0::2] & 0xF0) | (window[:, 1::2] >> 4)).astype(np.uint8).tobytes()


def unpack_wire(data: bytes, *, width: int, height: int) -> NDArray[np.uint8]:
    """The image buffer after DownImage: each nibble becomes the top four bits of a pixel."""
    packed = np.frombuffer(data, dtype=np.uint8).reshape(height, width // 2)
    window = np.zeros((height, width), dtype=np.uint8)
    window[:, 0::2] = packed & 0xF0
    window[:, 1::2] = packed << 4
    return window


def grey_levels(window: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a host should make of the wire's form: sixteen levels spread over 0 to 255."""
    return ((window >> 4) * 17).astype(np.uint8)


def _print_centre(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Row and column of the middle of the print: the centroid of the blocks with ridges in them."""
    side = PRINT_BLOCK_PX
    rows, columns = image.shape[0] // side, image.shape[1] // side
    middle = image.shape[0] / 2, image.shape[1] / 2
    if rows == 0 or columns == 0:
        return middle
    blocks = image[: rows * side, : columns * side].reshape(rows, side, columns, side).astype(np.float32)
    busy = np.argwhere(blocks.std(axis=(1, 3)) > PRINT_BLOCK_STD)
    if len(busy) == 0:
        return middle
    centre = (busy.mean(axis=0) + 0.5) * side
    return float(centre[0]), float(centre[1])


def _place(centre: float, *, size: int, available: int) -> int:
    """First row or column of the window; negative where the image is smaller than the window."""
    if available <= size:
        return -((size - available) // 2)
    return min(max(round(centre - size / 2), 0), available - size)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
