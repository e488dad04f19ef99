"""The training's log as a picture: what each part of the loss did, and how fast it went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from models.training.loss import WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

ROLLING = 5  # lines of the log, 500 batches, that the bold curve averages


def draw(log: Path, target: Path) -> None:
    """Draw `log.jsonl` of a run as a PNG: one panel a part of the loss, logarithmic, over the batches."""
    import matplotlib as mpl  # pyright: ignore[reportMissingImports]

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # pyright: ignore[reportMissingImports]
    import numpy as np

    # a run that was stopped goes on from its last checkpoint: what it did after that was done again
    lines = {line["step"]: line for line in map(json.loads, log.read_text().splitlines())}
    steps = sorted(lines)
    names = [*WEIGHTS, "crops_per_s"]
    figure, axes = plt.subplots(2, 3, figsize=(12, 6), sharex=True, layout="constrained")
    for axis, name in zip(axes.flat, names, strict=True):
        values = np.array([lines[s][name] for s in steps])
        axis.plot(steps, values, color="0.75", linewidth=1)
        if len(values) > ROLLING:
            mean = np.convolve(values, np.ones(ROLLING) / ROLLING, "valid")
            axis.plot(steps[ROLLING - 1 :], mean, color="tab:blue", linewidth=2)
        axis.set_title("crops a second" if name == "crops_per_s" else f"{name} (weight {WEIGHTS[name]})")
        if name != "crops_per_s":
            axis.set_yscale("log")
        axis.grid(visible=True, which="both", alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("batches")
    figure.savefig(target, dpi=110)
    plt.close(figure)
