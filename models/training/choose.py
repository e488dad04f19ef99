"""Which model ships: the one whose minutiae give the lowest error rate through our own matcher, not the loss.

Forty fingers tell 0.3 % from 0.4 % badly, so three conditions are looked at, the last one made hard on purpose
(a fault of skin or touch laid over every print), and beside the EER the FNMR at a fixed FMR of 0.1 % over all
databases together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import track

from benchmarks.accuracy.databases import find_databases
from benchmarks.accuracy.imaging import Conditions, load_grey
from benchmarks.accuracy.metrics import rates
from edge_service.extraction import Extractor
from matcher_service.search import compare_prepared, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher_service.search.template import Template

WHOLE, WINDOW, BAD = "whole", "window", "bad touch"
SENSOR = Conditions(window=(256, 288), levels=16)
ASKED_FMR = 1e-3


@dataclass(frozen=True)
class Choice:
    """Error rates of one model on the development databases, in percent.

    Attributes:
        by_database: EER of each condition and database.
        fnmr: FNMR at FMR 0.1 % of each condition, scores of all databases pooled.
    """

    by_database: dict[str, dict[str, float]]
    fnmr: dict[str, float]

    def mean(self, condition: str) -> float:
        """Mean EER over the databases of one condition, in percent."""
        return float(np.mean(list(self.by_database[condition].values())))

    @property
    def merit(self) -> float:
        """What is chosen by, the lower the better: the mean EER of whole prints and of the sensor's window."""
        return (self.mean(WHOLE) + self.mean(WINDOW)) / 2

    def __str__(self) -> str:
        return ", ".join(
            f"{name} EER {self.mean(name):.2f} FNMR {self.fnmr[name]:.2f}" for name in self.by_database
        )


def judge(
    model: Path, dev: Path, *, conditions: tuple[str, ...] = (WHOLE, WINDOW), quiet: bool = False
) -> Choice:
    """Error rates of a .tflite model over the development databases."""
    extractor = Extractor.load(model, card=False)
    eer: dict[str, dict[str, float]] = {c: {} for c in conditions}
    genuine: dict[str, list[NDArray[np.float64]]] = {c: [] for c in conditions}
    impostor: dict[str, list[NDArray[np.float64]]] = {c: [] for c in conditions}
    for database in find_databases(dev):
        images = [(i.finger, load_grey(i.path)) for i in database.impressions]
        fingers = np.array([finger for finger, _ in images])
        a, b = np.triu_indices(len(images), 1)
        same = fingers[a] == fingers[b]
        for condition in conditions:
            templates = [
                # unjudged: a quality fitted to another network must not decide what counts as a print
                prepare(extractor.measure(seen(image, database.dpi, condition, k))[0])
                for k, (_, image) in enumerate(
                    track(images, description=f"{model.name} on {database.name}, {condition}", disable=quiet)
                )
            ]
            scores = _scores(templates, a, b)
            eer[condition][database.name] = 100.0 * float(rates(scores, same).eer[0])
            genuine[condition].append(scores[same])
            impostor[condition].append(scores[~same])
    fnmr: dict[str, float] = {}
    for condition in conditions:
        threshold = np.quantile(np.concatenate(impostor[condition]), 1.0 - ASKED_FMR)
        fnmr[condition] = 100.0 * float((np.concatenate(genuine[condition]) <= threshold).mean())
    return Choice(eer, fnmr)


def seen(image: NDArray[np.uint8], dpi: float, condition: str, number: int) -> NDArray[np.uint8]:
    """A print as it is seen under a condition, at 500 dpi; the same fault for the same number."""
    if condition == WHOLE:
        return Conditions().apply(image, dpi)
    if condition == WINDOW:
        return SENSOR.apply(image, dpi)
    from models.quality.degrade import FAULTS

    rng = np.random.default_rng([7, number])
    faults = [FAULTS[name] for name in sorted(FAULTS) if name in TOUCHES]
    bad = faults[rng.integers(len(faults))](rng, Conditions().apply(image, dpi))
    return SENSOR.apply(bad, 500)


TOUCHES = ("dry", "wet", "light", "hard", "moved")  # faults that leave the whole print in the window


def _scores(templates: list[Template], a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.array([compare_prepared(templates[i], templates[j]) for i, j in zip(a, b, strict=True)])
