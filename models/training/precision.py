"""int8 or float16: the table of accuracy, time and size, and what ships by it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction.runtimes import load_network
from models.training.convert import convert
from models.training.quantise import calibration_prints

if TYPE_CHECKING:
    from pathlib import Path

    from models.training.choose import Choice
    from models.training.example import Example

SIZE_PX = (288, 256)  # what is timed: the sensor's window
RUNS = 60
WORTH_PERCENT = 0.05  # a difference in EER below this is noise on forty fingers: then time and size decide


@dataclass(frozen=True)
class Candidate:
    """One checkpoint in one precision.

    Attributes:
        path: the .tflite.
        checkpoint: what it was made from.
        precision: int8 or float16.
        choice: its error rates on the development set, if there is one.
        difference: largest difference of any output from torch in float32, on noise.
        ms: median time of the network alone at 256x288 on one thread, milliseconds.
    """

    path: Path
    checkpoint: str
    precision: str
    choice: Choice | None
    difference: float
    ms: float

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


def made_of(checkpoint: Path, folder: Path, examples: list[Example], dev: Path | None) -> list[Candidate]:
    """Both precisions of a checkpoint, judged on the development set if there is one."""
    from models.training.choose import judge

    prints = calibration_prints([e.image for e in examples])
    return [
        Candidate(
            path=made.path,
            checkpoint=checkpoint.stem,
            precision=precision,
            choice=judge(made.path, dev) if dev else None,
            difference=made.difference,
            ms=timed(made.path),
        )
        for precision, made in convert(checkpoint, folder, prints).items()
    ]


def timed(model: Path) -> float:
    """Median milliseconds of the network at 256x288, on one thread."""
    network = load_network(model, threads=1)
    image = np.random.default_rng(0).integers(0, 256, SIZE_PX, dtype=np.uint8)
    network.run(image)
    times: list[float] = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        network.run(image)
        times.append(time.perf_counter() - begun)
    return 1000.0 * float(np.median(times))


def best(candidates: list[Candidate]) -> Candidate:
    """The most accurate; among those as good but for noise, the fastest."""
    judged = [c for c in candidates if c.choice is not None]
    if not judged:
        return min(candidates, key=lambda c: (c.ms, c.size))
    lowest = min(c.choice.merit for c in judged if c.choice)
    good = [c for c in judged if c.choice and c.choice.merit <= lowest + WORTH_PERCENT]
    fastest = min(c.ms for c in good)
    # the same precision takes the same time whatever the checkpoint: among the fastest the most accurate
    return min((c for c in good if c.ms <= 1.3 * fastest), key=lambda c: c.choice.merit if c.choice else 0.0)


def table(candidates: list[Candidate]) -> str:
    """Markdown: accuracy, time and size of each."""
    lines = ["| model | mean EER, FNMR at FMR 0.1 % in % | network, ms | bytes |", "|---|---|---:|---:|"]
    lines += [f"| {c.path.name} | {c.choice or 'not judged'} | {c.ms:.1f} | {c.size:,} |" for c in candidates]
    return "\n".join(lines)
