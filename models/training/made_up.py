"""Synthetic prints as training examples: their minutiae are the truth, faint ones included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from rich.progress import track

from edge_service.extraction import frames
from interchange import MinutiaType
from models.synthetic import master, touch
from models.training import parameters as p
from models.training.example import MASK_SHRINK, Example

if TYPE_CHECKING:
    from pathlib import Path


def synthetic_examples(folder: Path) -> list[Example]:
    """Examples of `parameters.SYNTHETIC_FINGERS` fingers; made once, then read from the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Example] = []
    for k in track(range(p.SYNTHETIC_FINGERS), description="Synthetic fingers"):
        path = folder / f"{k:04d}.npz"
        if not path.exists():
            _make(path, p.SYNTHETIC_SEED + k)
        with np.load(path) as kept:
            for n in range(p.SYNTHETIC_TOUCHES):
                image = kept[f"image{n}"]
                found.append(
                    Example(
                        name=f"synthetic/{k:04d}_{n}",
                        image=image,
                        minutiae=kept[f"minutiae{n}"],
                        mask=kept[f"mask{n}"],
                        background=frames.background(image),
                        exact=True,
                    )
                )
    return found


def _make(path: Path, seed: int) -> None:
    finger = master(seed)
    arrays: dict[str, np.ndarray] = {}
    for n in range(p.SYNTHETIC_TOUCHES):
        made = touch(finger, n + 1)
        m = made.minutiae
        certainty = np.clip(m.quality, p.SYNTHETIC_LEAST, 1.0)
        h, w = made.image.shape
        arrays[f"image{n}"] = made.image
        arrays[f"minutiae{n}"] = np.column_stack(
            [m.x, m.y, m.angle, m.type == MinutiaType.ENDING, certainty]
        ).astype(np.float32)
        arrays[f"mask{n}"] = cv2.resize(
            made.mask.astype(np.uint8) * 255,
            (w // MASK_SHRINK, h // MASK_SHRINK),
            interpolation=cv2.INTER_AREA,
        )
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    partial.replace(path)
