"""From the teacher's cached views to examples: images with consensus minutiae and a print mask.

Consensus: the views' heat maps, turned back to the original frame, are averaged; each local maximum is a
minutia whose certainty is the averaged heat, so what only one view imagined is taught as doubtful, and what one
view missed is taught all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge_service.extraction import frames
from models.training.example import MASK_SHRINK, Example
from models.training.parameters import TEACHER_HEAT_FLOOR, TEACHER_NMS_RADIUS_PX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

SURE, AROUND_PX = 0.6, 20  # a minutia this certain has a print around it


def consensus(views: list[dict[str, NDArray[np.uint8]]]) -> NDArray[np.float32]:
    """Minutiae (n, 5) on which the teacher's views agree; each view holds `heat`, `ang` and `typ`, uint8."""
    heat = np.mean([v["heat"].astype(np.float32) for v in views], axis=0) / 255.0
    smooth = cv2.GaussianBlur(heat, (0, 0), 1.0)
    size = 2 * TEACHER_NMS_RADIUS_PX + 1
    peak = (smooth >= cv2.dilate(smooth, np.ones((size, size), np.uint8))) & (heat >= TEACHER_HEAT_FLOOR)
    # the teacher's heat is flat on top: a blob of equal maxima counts once, at its middle
    _, _, _, centres = cv2.connectedComponentsWithStats(peak.astype(np.uint8), connectivity=8)
    points = centres[1:]
    xi = np.clip(np.rint(points[:, 0]).astype(int), 0, heat.shape[1] - 1)
    yi = np.clip(np.rint(points[:, 1]).astype(int), 0, heat.shape[0] - 1)
    turn = np.zeros(len(points), np.complex128)
    ending = np.zeros(len(points))
    weight = np.full(len(points), 1e-6)
    for view in views:
        certainty = view["heat"][yi, xi] / 255.0
        turn += certainty * np.exp(2j * np.pi * view["ang"][yi, xi] / 256.0)
        ending += certainty * view["typ"][yi, xi] / 255.0
        weight += certainty
    return np.stack(
        [points[:, 0], points[:, 1], np.angle(turn), ending / weight, heat[yi, xi]], axis=1
    ).astype(np.float32)


def print_mask(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where ridges flow: structure-tensor energy and coherence (Bazen and Gerez, IEEE TPAMI 24(7), 2002)."""
    grey = image.astype(np.float32)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(t, (0, 0), 8.0) for t in (gx * gx, gy * gy, gx * gy))
    energy = xx + yy
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (energy + 1e-3)
    strong = energy > 0.12 * np.percentile(energy, 95)
    mask = ((coherence > 0.3) & strong & (energy > 400.0)).astype(np.uint8) * 255
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((25, 25), np.uint8))
    h, w = image.shape
    return cv2.resize(mask, (w // MASK_SHRINK, h // MASK_SHRINK), interpolation=cv2.INTER_AREA)


def with_minutiae(mask: NDArray[np.uint8], minutiae: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The mask and the surroundings of every certain minutia: where one was read, there is a print."""
    for x, y, _, _, certainty in minutiae:
        if certainty >= SURE:
            centre = (round(float(x) / MASK_SHRINK), round(float(y) / MASK_SHRINK))
            cv2.circle(mask, centre, AROUND_PX // MASK_SHRINK, 255, -1)
    return mask


def load(data: Path, cache: Path, names: Iterable[str], views: tuple[str, ...]) -> list[Example]:
    """Examples for every name whose first view is cached; further views are used where they are there."""
    examples: list[Example] = []
    for name in names:
        stems = [cache / f"{name.replace('/', '__')}.{view}.npz" for view in views]
        present = [dict(np.load(p)) for p in stems if p.exists()]
        if not present:
            continue
        image = cv2.imread(str(data / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise FileNotFoundError(f"cannot read {data / name}.png")
        minutiae = consensus(present)
        mask = with_minutiae(print_mask(image), minutiae)
        examples.append(Example(name, image, minutiae, mask, frames.background(image)))
    return examples


def names_below(data: Path) -> list[str]:
    """Names of the PNG images below a folder, sorted."""
    return sorted(str(p.relative_to(data).with_suffix("")) for p in data.rglob("*.png"))
