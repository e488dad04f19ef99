"""Quality of an impression, 0 to 100: how much there is to compare.

Provisional: area and certain minutiae, each saturating. It ranks prints; it is not yet calibrated to predict
the outcome of a comparison.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge_service.extraction import parameters as p

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def finger_quality(*, area_mm2: float, certainty: NDArray[np.float32]) -> int:
    """Quality from the print's area and the certainty, 0 to 1, of each minutia; 0 is nothing to compare."""
    if area_mm2 < p.LEAST_PRINT_MM2 or len(certainty) < p.LEAST_MINUTIAE:
        return 0
    area = min(1.0, area_mm2 / p.GOOD_PRINT_MM2)
    content = min(1.0, float(certainty.sum()) / p.GOOD_CERTAINTY)
    return round(100.0 * math.sqrt(area * content))
