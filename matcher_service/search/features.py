"""What a comparison measured, as it is fused into one score: a weighted sum of features of the partial scores.

The weights are those of a logistic regression over genuine and impostor comparisons (`models/matching`), so the sum
is the logarithm of the odds that the two prints are of one finger, were there as many mates as strangers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search import parameters as p
from matcher_service.search.compiled import kernel
from matcher_service.search.fusion_weights import BIAS, USUAL, WEIGHTS

if TYPE_CHECKING:
    from matcher_service.search.template import Array

PART_NAMES: tuple[str, ...] = (
    "support",
    "paired",
    "probe in common",
    "candidate in common",
    "similarity",
    "residual px",
    "residual rad",
    "bending px",
    "bending rad",
    "agreement",
    "backing",
    "second best",
    "same type",
    "other type",
    "paired quality",
    "unpaired quality",
    "best cylinders",
    "minutiae",
)
(
    SUPPORT,
    PAIRED,
    IN_A,
    IN_B,
    SIMILARITY,
    APART_PX,
    APART_RAD,
    BENT_PX,
    BENT_RAD,
    AGREEMENT,
    BACKING,
    RIVAL,
    SAME_TYPE,
    OTHER_TYPE,
    PAIRED_QUALITY,
    UNPAIRED_QUALITY,
    BEST_CYLINDERS,
    MINUTIAE,
) = range(len(PART_NAMES))

# the part that each feature is told under when a score is explained
FEATURE_PART = (
    SUPPORT,
    SUPPORT,
    PAIRED,
    IN_A,
    IN_A,
    IN_A,
    SIMILARITY,
    APART_PX,
    APART_RAD,
    BENT_PX,
    BENT_RAD,
    AGREEMENT,
    AGREEMENT,
    BACKING,
    RIVAL,
    SAME_TYPE,
    OTHER_TYPE,
    PAIRED_QUALITY,
    UNPAIRED_QUALITY,
    BEST_CYLINDERS,
    MINUTIAE,
    PAIRED,
)
FEATURES = len(FEATURE_PART)
_WEIGHTS = np.array(WEIGHTS, np.float64)  # a tuple of mixed numbers could not be walked over


@kernel
def features(parts: Array) -> Array:
    """Features of the partial scores of a comparison with at least `parameters.LEAST_PAIRS` pairs, float64."""
    f = np.empty(FEATURES, np.float64)
    common = math.sqrt(parts[IN_A] * parts[IN_B])
    share = parts[PAIRED] / (p.SHARE_DOUBT + common)
    f[0] = math.log(parts[SUPPORT] + 0.01)
    f[1] = parts[SUPPORT]
    f[2] = math.log1p(parts[PAIRED])
    f[3] = share
    f[4] = math.log1p(max(common - parts[PAIRED], 0.0))
    f[5] = math.log1p(common)
    f[6] = parts[SIMILARITY]
    f[7] = parts[APART_PX]
    f[8] = parts[APART_RAD]
    f[9] = parts[BENT_PX]
    f[10] = parts[BENT_RAD]
    f[11] = math.log1p(parts[AGREEMENT])
    f[12] = math.sqrt(parts[AGREEMENT])
    f[13] = parts[BACKING]
    f[14] = parts[RIVAL] / (1.0 + parts[AGREEMENT])
    f[15] = parts[SAME_TYPE] / (1.0 + parts[PAIRED])
    f[16] = parts[OTHER_TYPE] / (1.0 + parts[PAIRED])
    f[17] = math.log1p(parts[PAIRED_QUALITY])
    f[18] = math.log1p(parts[UNPAIRED_QUALITY])
    f[19] = parts[BEST_CYLINDERS]
    f[20] = math.log1p(parts[MINUTIAE])
    apart = parts[APART_PX] / p.RESIDUAL_SCALE_PX + parts[APART_RAD] / p.RESIDUAL_SCALE_RAD
    f[21] = math.log1p(1000.0 * parts[SUPPORT] * share * math.exp(-apart))
    return f


@kernel
def log_odds(parts: Array) -> float:
    """Natural logarithm of the odds for one finger against two, were both as frequent."""
    f, total = features(parts), BIAS
    for k in range(FEATURES):
        total += _WEIGHTS[k] * f[k]
    return total


@kernel
def total(parts: Array) -> float:
    """One score out of the partial ones; 0 is nothing in common. A soft step, then straight in the log odds."""
    if parts[PAIRED] < p.LEAST_PAIRS:
        return 0.0
    odds = (log_odds(parts) - p.SCORE_FROM_LOG_ODDS) / p.SCORE_SOFTNESS
    soft = odds if odds > 30.0 else math.log1p(math.exp(odds))
    return p.SCORE_SCALE * p.SCORE_SOFTNESS * soft


def contributions(parts: Array) -> dict[str, float]:
    """What each part adds to the score, or takes from it, against a usual comparison of strangers."""
    told = dict.fromkeys(PART_NAMES, 0.0)
    if parts[PAIRED] < p.LEAST_PAIRS:
        return told
    for k, value in enumerate(features(parts)):
        told[PART_NAMES[FEATURE_PART[k]]] += p.SCORE_SCALE * WEIGHTS[k] * (float(value) - USUAL[k])
    return told
