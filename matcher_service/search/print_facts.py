"""What makes a print easy to mistake for others: how many minutiae it has, and how alike they point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from matcher_service.search.compiled import kernel

if TYPE_CHECKING:
    from matcher_service.search.template import Array, Template

NEIGHBOUR_PX = 70.0  # the radius of a cylinder (MCC's R), over which directions shape what is compared
FEWEST, MOST = 10, 150  # minutiae; outside nothing was fitted, so the nearest that was is taken
LEAST_AGREEMENT, MOST_AGREEMENT = -0.2, 0.8  # likewise


class PrintFacts(NamedTuple):
    """Facts of one print that shift its strangers' scores.

    Attributes:
        minutiae: how many there are.
        agreement: mean cosine of the difference of direction over all pairs of minutiae nearer than
            `NEIGHBOUR_PX`, -1 to 1. Of two neighbours on a real finger the one points about as often with the
            other as against it, so it is near 0.1; where nearly all point one way, strangers' cylinders look
            alike, and scores are higher.
    """

    minutiae: int
    agreement: float


TYPICAL = PrintFacts(
    45, 0.1
)  # the median print of the training sets; what is taken where facts are not known


@kernel
def direction_agreement(x: Array, y: Array, angle: Array) -> float:
    """`PrintFacts.agreement` of minutiae at 500 dpi; 0 where no two are neighbours."""
    total, count = 0.0, 0
    for i in range(len(x)):
        for j in range(i):
            dx, dy = x[i] - x[j], y[i] - y[j]
            if dx * dx + dy * dy < NEIGHBOUR_PX * NEIGHBOUR_PX:
                total += math.cos(angle[i] - angle[j])
                count += 1
    return total / count if count > 0 else 0.0


def facts_of(template: Template) -> PrintFacts:
    """Facts of a prepared print."""
    agreement = direction_agreement(template.x, template.y, template.angle)
    return PrintFacts(len(template.x), float(agreement))
