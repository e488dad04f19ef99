"""From what a sensor or a file delivers to what the network takes: checks, 500 dpi, fixed shapes, tiles."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import parameters as p
from edge_service.extraction.errors import ImageRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check(image: object, dpi: float) -> NDArray[np.uint8]:
    """The image as a contiguous uint8 array. Raises `ImageRefused` for anything that is no grey 8-bit image."""
    try:
        grey = np.asarray(image)
    except (TypeError, ValueError) as error:  # rows of different lengths, for example
        raise ImageRefused(f"the image is no array ({error})", "give uint8, height by width") from error
    if grey.ndim != 2:
        raise ImageRefused(
            f"the image has {grey.ndim} dimensions {grey.shape}", "give one grey channel, height by width"
        )
    if grey.dtype != np.uint8:
        raise ImageRefused(f"the image holds {grey.dtype}", "give 8-bit grey levels (uint8)")
    if min(grey.shape) < p.SMALLEST_PX or max(grey.shape) > p.LARGEST_PX:
        raise ImageRefused(
            f"the image is {grey.shape[1]} x {grey.shape[0]} pixels",
            f"give {p.SMALLEST_PX} to {p.LARGEST_PX} pixels each way",
        )
    # comparisons with NaN are false, so it is refused too
    if not (isinstance(dpi, numbers.Real) and p.LOWEST_DPI <= dpi <= p.HIGHEST_DPI):
        raise ImageRefused(
            f"the resolution is {dpi} dpi", f"give {p.LOWEST_DPI:.0f} to {p.HIGHEST_DPI:.0f} dpi"
        )
    return np.ascontiguousarray(grey)


def at_500_dpi(image: NDArray[np.uint8], dpi: float) -> NDArray[np.uint8]:
    """The image resampled to 500 dpi; the same array where it is there already."""
    if dpi == p.DPI:
        return image
    from PIL import Image

    h, w = (max(1, round(side * p.DPI / dpi)) for side in image.shape)
    # Pillow widens the filter when it shrinks, so ridges do not alias
    return np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))


def background(image: NDArray[np.uint8]) -> int:
    """Grey level around the print: the brighter quarter of the image's border."""
    return int(np.percentile(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), 75))


def tiles(
    shape: tuple[int, int], shapes: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The network shape to use and the top left corners of the tiles that cover an image of `shape`."""
    fitting = [s for s in shapes if s[0] >= shape[0] and s[1] >= shape[1]]
    if fitting:
        return fitting[0], [(0, 0)]
    tile = shapes[-1]
    ys, xs = (_starts(length, size) for length, size in zip(shape, tile, strict=True))
    return tile, [(y, x) for y in ys for x in xs]


def _starts(length: int, size: int) -> list[int]:
    """Evenly spread starts of tiles of `size` over `length`, on the network's coarsest grid, overlapping enough.

    The last tile reaches the end or beyond it, so no cell is left without an output.
    """
    steps = max(0, -(-(length - size) // p.GRID_PX))
    if steps == 0:
        return [0]
    gaps = -(-steps // ((size - p.TILE_OVERLAP_PX) // p.GRID_PX))
    return [steps * k // gaps * p.GRID_PX for k in range(gaps + 1)]


def cut(image: NDArray[np.uint8], at: tuple[int, int], size: tuple[int, int], fill: int) -> NDArray[np.uint8]:
    """One tile, padded at the right and below with `fill` where the image ends."""
    part = image[at[0] : at[0] + size[0], at[1] : at[1] + size[1]]
    if part.shape == size:
        return part
    tile = np.full(size, fill, np.uint8)
    tile[: part.shape[0], : part.shape[1]] = part
    return tile


def join(
    pieces: list[tuple[tuple[int, int], NDArray[np.float32]]], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Network outputs of the tiles laid together, each cell from the tile in whose middle it lies most.

    Args:
        pieces: top left corner in pixels and output (h / 4, w / 4, 7) of each tile.
        shape: height and width of the image in pixels.

    Returns:
        float32 (ceil(height / 4), ceil(width / 4), 7).
    """
    rows, columns = (-(-side // p.STRIDE_PX) for side in shape)
    if len(pieces) == 1:
        return pieces[0][1][:rows, :columns]
    whole = np.zeros((rows, columns, pieces[0][1].shape[2]), np.float32)
    depth = np.full((rows, columns), -1.0, np.float32)
    for (y, x), output in pieces:
        top, left = y // p.STRIDE_PX, x // p.STRIDE_PX
        h, w = min(output.shape[0], rows - top), min(output.shape[1], columns - left)
        down = np.minimum(np.arange(output.shape[0]), np.arange(output.shape[0])[::-1])
        across = np.minimum(np.arange(output.shape[1]), np.arange(output.shape[1])[::-1])
        inside = np.minimum(down[:h, None], across[None, :w]).astype(np.float32)
        area = (slice(top, top + h), slice(left, left + w))
        deeper = inside > depth[area]
        whole[area][deeper] = output[:h, :w][deeper]
        depth[area][deeper] = inside[deeper]
    return whole
