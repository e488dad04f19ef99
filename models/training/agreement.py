"""Minutiae that a finger's other impressions confirm: what one image misses or imagines, the others tell.

The teacher sees one image at a time. Several impressions of one finger, laid over each other by the matcher, know
more: a minutia that the mates show where this image is faint is there all the same, and one that no mate shows
where all of them are clear was dirt. No identity labels are used: mates are images whose comparison scores far
above what strangers reach.

The certainty of a minutia becomes a mean of what this image's views say and of what the mates say, the mates
counting the more the more of them see the place.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from interchange import Minutiae
from matcher_service.search import explain_prepared, prepare
from models.training import parameters as p
from models.training.example import MASK_SHRINK, Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Points = "NDArray[np.float32]"  # (n, 5) as `Example.minutiae`


def agreed(examples: list[Example], *, on_set: Callable[[str], None] = lambda _name: None) -> list[Example]:
    """The examples with minutiae that their mates have confirmed, added to or doubted; same order."""
    out: list[Example] = []
    for name, group in groupby(examples, key=lambda e: e.name.rsplit("/", 1)[0]):
        on_set(name)
        out.extend(_agreed_set(list(group)))
    return out


def _agreed_set(examples: list[Example]) -> list[Example]:
    mates = _mates(examples)
    return [
        replace(e, minutiae=_confirmed(e, [(examples[j], pairs) for j, pairs in mates[i]]))
        for i, e in enumerate(examples)
    ]


def _mates(examples: list[Example]) -> list[list[tuple[int, NDArray[np.int64]]]]:
    """For each example the others that are surely the same finger, with the paired minutiae's indices."""
    certain = [np.flatnonzero(e.minutiae[:, 4] >= p.MATE_HEAT) for e in examples]
    templates = [prepare(_as_minutiae(e, rows)) for e, rows in zip(examples, certain, strict=True)]
    mates: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in examples]
    for i, probe in enumerate(templates):
        for j in range(i + 1, len(templates)):
            found = explain_prepared(probe, templates[j])
            if found.score >= p.MATE_SCORE and len(found.pairs) >= p.MATE_PAIRS:
                pairs = np.stack([certain[i][found.pairs[:, 0]], certain[j][found.pairs[:, 1]]], axis=1)
                mates[i].append((j, pairs))
                mates[j].append((i, pairs[:, ::-1]))
    return mates


def _as_minutiae(example: Example, rows: NDArray[np.int64]) -> Minutiae:
    m = example.minutiae[rows]
    h, w = example.image.shape
    return Minutiae.make(m[:, 0], m[:, 1], m[:, 2], width=w, height=h, quality=m[:, 4])


def _confirmed(example: Example, mates: list[tuple[Example, NDArray[np.int64]]]) -> NDArray[np.float32]:
    """The minutiae of one example in the light of its mates."""
    own = example.minutiae
    if not mates:
        return own
    seen, shown = np.zeros(len(own)), np.zeros(len(own))
    strange: list[NDArray[np.float32]] = []  # minutiae of mates that this image does not have
    views: list[tuple[Example, NDArray[np.float64], NDArray[np.float64]]] = []
    for mate, pairs in mates:
        here, there = own[pairs[:, 0]], mate.minutiae[pairs[:, 1]]
        turn = float(np.angle(np.exp(1j * (there[:, 2] - here[:, 2])).mean()))
        views.append((mate, here[:, :2].astype(float), there[:, :2].astype(float)))
        at, near = carry(own[:, :2], here[:, :2], there[:, :2])
        visible = near & _on_print(mate, at)
        partner = _nearest(at, own[:, 2] + turn, mate.minutiae)
        seen += visible
        shown += np.where(visible & (partner >= 0), mate.minutiae[partner, 4], 0.0)
        other = mate.minutiae[mate.minutiae[:, 4] >= p.MATE_HEAT]
        back, close = carry(other[:, :2], there[:, :2], here[:, :2])
        missing = close & _on_print(example, back)
        missing &= _nearest(back, other[:, 2] - turn, own) < 0
        moved = np.column_stack([back, other[:, 2] - turn, other[:, 3:]])[missing]
        strange.append(moved.astype(np.float32))
    weight = seen / (seen + p.MATE_PRIOR)
    mean = np.minimum(1.0, p.MATE_GAIN * shown / np.maximum(seen, 1e-9))
    fused = own.copy()
    fused[:, 4] = (1.0 - weight) * own[:, 4] + weight * mean
    added = _added(np.concatenate(strange), views)
    kept = fused[fused[:, 4] >= p.TEACHER_HEAT_FLOOR]
    return np.concatenate([kept, added]).astype(np.float32)


def carry(
    points: NDArray[np.floating], here: NDArray[np.floating], there: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points (n, 2) of one image in a mate's frame, and which of them lie near enough to the pairs to be trusted.

    A least-squares similarity of the pairs (k, 2), then the rest of their displacement as a Gaussian mean of the
    pairs around: skin stretches smoothly.
    """
    z, w = here @ [1, 1j], there @ [1, 1j]
    zc, wc = z - z.mean(), w - w.mean()
    factor = (wc * zc.conj()).sum() / (abs(zc) ** 2).sum()
    left = w - (factor * zc + w.mean())
    at = points @ [1, 1j]
    d2 = abs(at[:, None] - z) ** 2
    gauss = np.exp(-d2 / (2 * p.MATE_BEND_PX**2)) + 1e-9
    moved = factor * (at - z.mean()) + w.mean() + (gauss * left).sum(1) / gauss.sum(1)
    return np.stack([moved.real, moved.imag], axis=1), d2.min(axis=1) < p.MATE_REACH_PX**2


def _on_print(example: Example, at: NDArray[np.float64]) -> NDArray[np.bool_]:
    rows, columns = example.mask.shape
    x, y = np.floor(at[:, 0] / MASK_SHRINK).astype(int), np.floor(at[:, 1] / MASK_SHRINK).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    return inside & (example.mask[y.clip(0, rows - 1), x.clip(0, columns - 1)] > 127)


def _nearest(
    at: NDArray[np.floating], angle: NDArray[np.floating], among: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Index of the nearest minutia that points the same way within the tolerances, -1 for none."""
    if not len(among) or not len(at):
        return np.full(len(at), -1, np.int64)
    gap = np.hypot(at[:, None, 0] - among[:, 0], at[:, None, 1] - among[:, 1])
    turned = np.abs(np.angle(np.exp(1j * (angle[:, None] - among[:, 2]))))
    gap[turned > p.MATE_TURN_RAD] = np.inf
    best = gap.argmin(axis=1)
    return np.where(gap[np.arange(len(at)), best] <= p.MATE_NEAR_PX, best, -1)


def _added(
    strange: NDArray[np.float32],
    views: list[tuple[Example, NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float32]:
    """Clusters of the mates' minutiae that this image lacks, where enough mates agree."""
    found: list[NDArray[np.float32]] = []
    left = strange[np.argsort(-strange[:, 4])]
    while len(left):
        together = np.hypot(*(left[:, :2] - left[0, :2]).T) <= p.MATE_NEAR_PX
        together &= np.abs(np.angle(np.exp(1j * (left[:, 2] - left[0, 2])))) <= p.MATE_TURN_RAD
        cluster, left = left[together], left[~together]
        if len(cluster) < p.MATE_LEAST:
            continue
        centre = cluster.mean(axis=0)
        centre[2] = np.angle(np.exp(1j * cluster[:, 2]).mean())
        visible = 0
        for mate, here, there in views:
            at, near = carry(centre[None, :2], here, there)
            visible += bool(near[0] and _on_print(mate, at)[0])
        share = min(1.0, cluster[:, 4].sum() / max(visible, 1))
        if share >= p.MATE_LEAST_SHARE:
            centre[4] = p.MATE_ADDED * share
            found.append(centre)
    return np.array(found, np.float32).reshape(-1, 5)
