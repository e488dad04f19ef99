"""The fused score's weights: a logistic regression whose weights have the signs that reason demands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# +1: more of it must never speak for strangers; -1: never for mates; 0: either; None: measured, but left out
# because leaving out each database in turn showed no gain. In the order of `matcher_service.search.features`.
SIGNS: tuple[int | None, ...] = (
    *(1, 1, 1, 1, -1, 0, 1, -1, -1),
    *(None, None, 1, 1, None, -1),
    *(1, -1, 1, -1, 0, 0, 1),
)
PENALTY = 1.0  # C of the regression; 0.01 and less cost accuracy


@dataclass(frozen=True, slots=True)
class Fused:
    """Weights of the features, 0 for those not used, and the sum's constant."""

    bias: float
    weights: NDArray[np.float64]

    def log_odds(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of comparisons with features (n, k)."""
        return features @ self.weights + self.bias


def fit(features: NDArray[np.float64], mates: NDArray[np.bool_]) -> Fused:
    """Fit to features (n, k) of comparisons; the feature whose sign is most wrong is dropped until none is."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    used = [k for k, sign in enumerate(SIGNS) if sign is not None]
    while True:
        scaler = StandardScaler().fit(features[:, used])
        model = LogisticRegression(C=PENALTY, max_iter=3000).fit(scaler.transform(features[:, used]), mates)
        found = model.coef_[0]
        against = [w * (SIGNS[k] or 0) for k, w in zip(used, found, strict=True)]
        if min(against) >= 0:
            weights = np.zeros(features.shape[1])
            weights[used] = found / scaler.scale_
            return Fused(float(model.intercept_[0] - (found * scaler.mean_ / scaler.scale_).sum()), weights)
        used.pop(int(np.argmin(against)))
