"""What the network is taught: soft heat, and geometry near each minutia."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

WEIGHTS = {"heat": 1.0, "offset": 0.5, "direction": 1.0, "type": 0.15, "print": 0.1}


def losses(output: Tensor, target: Tensor) -> dict[str, Tensor]:
    """The parts of the loss, each weighted and averaged over the batch.

    Args:
        output: (n, 7, h, w), as `models.training.network` describes.
        target: (n, 8, h, w): heat 0-1, offset x and y in cells, cos, sin, type 0-1, print 0-1, and the weight
            of the geometry (0 away from minutiae, else the teacher's certainty).

    The heat uses the quality focal loss (Li et al., NeurIPS 2020, eq. 5), which takes soft targets.
    """
    heat, logit = target[:, 0], output[:, 0]
    gap = (torch.sigmoid(logit) - heat).abs()
    bce = functional.binary_cross_entropy_with_logits(logit, heat, reduction="none")
    near = target[:, 7]
    certain = near.sum().clamp(min=1.0)
    parts = {
        "heat": (gap.square() * bce).sum() * 4.0 / certain,
        "offset": (
            near * functional.smooth_l1_loss(output[:, 1:3], target[:, 1:3], reduction="none").sum(1)
        ).sum()
        / certain,
        "direction": (near * (output[:, 3:5] - target[:, 3:5]).square().sum(1)).sum() / certain,
        "type": (
            near * functional.binary_cross_entropy_with_logits(output[:, 5], target[:, 5], reduction="none")
        ).sum()
        / certain,
        "print": functional.binary_cross_entropy_with_logits(output[:, 6], target[:, 6]),
    }
    return {name: WEIGHTS[name] * part for name, part in parts.items()}
