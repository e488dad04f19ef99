"""Many stored records read at once, where `read_single` reads one: four times as fast when a gallery is built.

What it takes are plain records, which nearly all are: one view, square pixels, no extended data, all fields within
their ranges. Everything else, and whatever is wrong in any way, is left to `read_single`, which knows how to say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interchange.finger_view import COORDINATE_MASK, MINUTIA_BYTES, MINUTIA_DTYPE, dpi_of
from interchange.minutiae import TWO_PI, Minutiae
from interchange.template_format import TemplateFormat
from interchange.template_parameters import MAX_RESOLUTION_PX_PER_CM
from matcher_service.parameters import MAX_DPI, MAX_SIDE_INCHES, MIN_DPI

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FORMAT = TemplateFormat.ISO_19794_2_2005
_MAGIC = int.from_bytes(b"FMR\0 20\0", "big")
# ISO/IEC 19794-2:2005, 8.3 and 8.4: the record's header, then that of its only view.
_HEAD = np.dtype(
    [
        ("magic", ">u8"),
        ("length", ">u4"),
        ("equipment", ">u2"),
        ("width", ">u2"),
        ("height", ">u2"),
        ("x_resolution", ">u2"),
        ("y_resolution", ">u2"),
        ("views", "u1"),
        ("reserved", "u1"),
        ("position", "u1"),
        ("kind", "u1"),
        ("finger_quality", "u1"),
        ("count", "u1"),
    ]
)
_NO_EXTENDED_DATA = b"\0\0"
_MAX_POSITION = 10
_MAX_QUALITY = 100
_MAX_TYPE = 2


def read_plain(records: Sequence[bytes]) -> list[tuple[int, Minutiae] | None]:
    """Position and minutiae of each record, exactly as `read_single` gives them; None for what is not plain."""
    heads = np.frombuffer(b"".join(r[: _HEAD.itemsize].ljust(_HEAD.itemsize, b"\0") for r in records), _HEAD)
    sizes = np.array([len(record) for record in records], np.int64)
    ends = np.array([record[-2:] == _NO_EXTENDED_DATA for record in records], np.bool_)
    dpi = _dpi(heads["x_resolution"])
    plain = _head_is_plain(heads, sizes, dpi) & ends
    rows = np.flatnonzero(plain).tolist()
    points = np.frombuffer(b"".join(records[k][_HEAD.itemsize : -2] for k in rows), MINUTIA_DTYPE)
    count = heads["count"][rows].astype(np.int64)
    x, y = points["type_x"] & COORDINATE_MASK, points["reserved_y"] & COORDINATE_MASK
    kind = (points["type_x"] >> 14).astype(np.uint8)
    outside = (x >= np.repeat(heads["width"][rows], count)) | (y >= np.repeat(heads["height"][rows], count))
    wrong = outside | (kind > _MAX_TYPE) | (points["quality"] > _MAX_QUALITY)
    plain[np.repeat(np.array(rows, np.intp), count)[wrong]] = False
    angle = np.mod(points["angle"] * (TWO_PI / _FORMAT.angle_steps), TWO_PI).astype(np.float32)
    angle[angle >= np.float32(TWO_PI)] = 0.0
    xs, ys = x.astype(np.float32), y.astype(np.float32)
    quality = (points["quality"] / 100.0).astype(np.float32)
    for column in (xs, ys, angle, kind, quality):
        column.setflags(write=False)
    found: list[tuple[int, Minutiae] | None] = [None] * len(records)
    end = np.cumsum(count)
    for k, high, low in zip(rows, end.tolist(), (end - count).tolist(), strict=True):
        if plain[k]:
            head = heads[k]
            minutiae = Minutiae(
                xs[low:high],
                ys[low:high],
                angle[low:high],
                kind[low:high],
                quality[low:high],
                width=int(head["width"]),
                height=int(head["height"]),
                dpi=float(dpi[k]),
                finger_quality=int(head["finger_quality"]),
            )
            found[k] = int(head["position"]), minutiae
    return found


def _dpi(resolution: NDArray[np.uint16]) -> NDArray[np.float64]:
    distinct, which = np.unique(resolution, return_inverse=True)
    return np.array([dpi_of(int(one)) for one in distinct])[which]


def _head_is_plain(
    heads: NDArray[np.void], sizes: NDArray[np.int64], dpi: NDArray[np.float64]
) -> NDArray[np.bool_]:
    impressions = [int(code) for code in _FORMAT.impressions]
    side = np.maximum(heads["width"], heads["height"])
    return (
        (heads["magic"] == _MAGIC)
        & (heads["length"] == sizes)
        & (sizes == _HEAD.itemsize + MINUTIA_BYTES * heads["count"].astype(np.int64) + len(_NO_EXTENDED_DATA))
        & (heads["views"] == 1)
        & (heads["reserved"] == 0)
        & (heads["width"] > 0)
        & (heads["height"] > 0)
        & (heads["x_resolution"] == heads["y_resolution"])
        & (heads["x_resolution"] > 0)
        & (heads["x_resolution"] <= MAX_RESOLUTION_PX_PER_CM)
        & (heads["position"] <= _MAX_POSITION)
        & (heads["finger_quality"] <= _MAX_QUALITY)
        & np.isin(heads["kind"] & 15, impressions)
        & (dpi >= MIN_DPI)
        & (dpi <= MAX_DPI)
        & (side <= MAX_SIDE_INCHES * dpi)
    )
