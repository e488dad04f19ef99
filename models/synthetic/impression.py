"""The image of one touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.synthetic.touch import touch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.synthetic.master import Master


def impression(finger: Master, number: int, *, size: tuple[int, int] = (384, 320)) -> NDArray[np.uint8]:
    """The `number`-th touch of a finger, uint8 (height, width) `size`, dark ridges on a bright ground, 500 dpi."""
    return touch(finger, number, window=size, look="optical", difficulty=0.2, with_truth=False).image
