"""Why a genuine pair scored low, in words: every cause that its figures show, the heaviest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.worst_pairs import parameters as p

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.worst_pairs.measures import Common, Seen

NOT_KNOWN = "no other impression of this finger tells how the two lie on each other"
NO_CAUSE = "no single cause: a little of each"


def diagnose(
    a: Seen, b: Seen, found: Common | None, *, usual_ink: float, chain_score: float | None = None
) -> list[str]:
    """Causes in words.

    Args:
        a: the probe.
        b: the candidate.
        found: what they have in common; None where no trusted chain of comparisons joins them.
        usual_ink: median share of dark pixels of the database's prints.
        chain_score: the weakest comparison of the chain that says how they lie on each other.
    """
    causes = [*_few_minutiae(a, b, usual_ink)]
    if found is None:
        return [*causes, NOT_KNOWN]
    causes = [*_little_in_common(a, b, found), *causes, *_not_found_again(a, b, found, usual_ink)]
    if found.residual_px is not None and found.residual_px > p.DISTORTED_PX:
        causes.append(f"heavily distorted: {found.residual_px:.0f} px are left after the best rigid fit")
    turned = abs((math.degrees(found.motion.turn) + 180.0) % 360.0 - 180.0)
    if turned > p.TURNED_DEG:
        causes.append(f"turned by {turned:.0f} degrees")
    causes = causes or [NO_CAUSE]
    if chain_score is not None and chain_score < p.CERTAIN_SCORE:
        causes.append(
            f"how they lie on each other is only probable (by a comparison of score {chain_score:.1f})"
        )
    return causes


def _little_in_common(a: Seen, b: Seen, found: Common) -> Iterator[str]:
    smaller = min(a.area_mm2, b.area_mm2)
    share = found.area_mm2 / max(smaller, 1e-9)
    fewest = min(found.in_common)
    if found.area_mm2 < p.LITTLE_COMMON_MM2 or share < p.LITTLE_COMMON_SHARE:
        yield f"too little in common: {found.area_mm2:.0f} mm2, {100 * share:.0f} % of the smaller print"
    elif fewest < p.FEW_IN_COMMON:
        yield f"only {fewest} minutiae of one print in the common area"


def _few_minutiae(a: Seen, b: Seen, usual_ink: float) -> Iterator[str]:
    for seen in (a, b):
        if len(seen.minutiae) < p.FEW_MINUTIAE:
            state = skin(seen, usual_ink)
            yield f"{seen.name} {state + ': ' if state else ''}few minutiae found ({len(seen.minutiae)})"


def _not_found_again(a: Seen, b: Seen, found: Common, usual_ink: float) -> Iterator[str]:
    if found.share_found_again >= p.SHARE_FOUND_AGAIN:
        return
    of = math.sqrt(found.in_common[0] * found.in_common[1])
    text = f"minutiae not found again: {found.found_again} of about {of:.0f}"
    states = [(seen.name, state) for seen in (a, b) if (state := _state(seen, usual_ink))]
    yield text + (f" ({', '.join(f'{name} {state}' for name, state in states)})" if states else "")


def _state(seen: Seen, usual_ink: float) -> str:
    quality = seen.minutiae.finger_quality
    return skin(seen, usual_ink) or (f"of quality {quality}" if quality < p.POOR_QUALITY else "")


def skin(seen: Seen, usual_ink: float) -> str:
    """`dry`, `wet`, or nothing, against what is usual on this sensor."""
    if seen.ink < usual_ink - p.INK_FROM_USUAL:
        return "dry"
    return "wet" if seen.ink > usual_ink + p.INK_FROM_USUAL else ""
