"""Quality of an impression, 0 to 100: how much there is to compare.

Provisional: area and certain minutiae, each saturating. It ranks prints; it is not yet calibrated to predict
the outcome of a comparison.
"""

from __future__ import annotations

import math

from edge_service.extraction import parameters as p


def finger_quality(*, area_mm2: float, certainty: float) -> int:
    """Quality from the print's area and the sum of its minutiae's certainties; 0 is nothing to compare."""
    if area_mm2 < p.LEAST_PRINT_MM2:
        return 0
    area = min(1.0, area_mm2 / p.GOOD_PRINT_MM2)
    content = min(1.0, certainty / p.GOOD_CERTAINTY)
    return round(100.0 * math.sqrt(area * content))
