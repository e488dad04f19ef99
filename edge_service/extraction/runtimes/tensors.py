"""Grey levels into a network's input tensor and real numbers out of its output tensor, whatever their type.

A tensor is float32, or 8-bit with one scale and zero point, where real = scale * (integer - zero point)
(Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
CVPR 2018, section 2.1). The real values of the input are always the grey levels, 0 to 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Encoder = Callable[[NDArray[np.uint8]], NDArray[Any]]
    Decoder = Callable[[NDArray[Any]], NDArray[np.float32]]

GREY_LEVELS = np.arange(256)
SIGN_BIT = np.uint8(0x80)
_EIGHT_BITS = (np.dtype(np.uint8), np.dtype(np.int8))


def encoder(details: Mapping[str, Any]) -> Encoder:
    """What turns uint8 grey levels into the tensor's values, same shape. Raises ValueError for other tensors.

    Args:
        details: of the input tensor, as an interpreter gives them.
    """
    dtype = np.dtype(details["dtype"])
    if dtype == np.float32:
        return _as_float
    table = _quantised_grey(dtype, *_scale(details))
    if np.array_equal(table, GREY_LEVELS):
        return _as_it_is
    if np.array_equal(table, GREY_LEVELS - 128):
        return _sign_flipped
    return lambda grey: table[grey]


def decoder(details: Mapping[str, Any]) -> Decoder:
    """What turns the tensor's values into float32, same shape. Raises ValueError for other tensors.

    Args:
        details: of the output tensor, as an interpreter gives them.
    """
    dtype = np.dtype(details["dtype"])
    if dtype == np.float32:
        return _as_it_is
    scale, zero_point = _scale(details)
    step = np.float32(scale)
    zero = np.float32(zero_point)

    def decode(values: NDArray[Any]) -> NDArray[np.float32]:
        real = np.subtract(values, zero, dtype=np.float32)
        real *= step
        return real

    return decode


def _scale(details: Mapping[str, Any]) -> tuple[float, int]:
    """Scale and zero point of an 8-bit tensor."""
    if np.dtype(details["dtype"]) not in _EIGHT_BITS:
        raise ValueError(f"{np.dtype(details['dtype'])} tensors are not known here")
    known = details.get("quantization_parameters", {})
    scales, zero_points = np.asarray(known.get("scales", ())), np.asarray(known.get("zero_points", ()))
    if scales.shape != (1,) or zero_points.shape != (1,) or not 0.0 < float(scales[0]) < np.inf:
        raise ValueError("an 8-bit tensor without one scale and one zero point")
    return float(scales[0]), int(zero_points[0])


def _quantised_grey(dtype: np.dtype[Any], scale: float, zero_point: int) -> NDArray[Any]:
    """The integer of each grey level: rounded, and held within the type."""
    limits = np.iinfo(dtype)
    levels = np.rint(GREY_LEVELS / scale) + zero_point
    return levels.clip(limits.min, limits.max).astype(dtype)


def _as_float(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    return grey.astype(np.float32)


def _as_it_is(values: NDArray[Any]) -> NDArray[Any]:
    return values


def _sign_flipped(grey: NDArray[np.uint8]) -> NDArray[np.int8]:
    # what 128 less is in two's complement; fifty times faster than the table
    return (grey ^ SIGN_BIT).view(np.int8)
