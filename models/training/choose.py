"""Which checkpoint ships: the one whose minutiae give the lowest error rate through our own matcher, not the loss."""

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


@dataclass(frozen=True)
class Choice:
    """EER in percent of each development database, whole images, and their mean."""

    by_database: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean over the databases, in percent."""
        return float(np.mean(list(self.by_database.values())))


def judge(model: Path, dev: Path) -> Choice:
    """EER of a .tflite model over the development databases."""
    extractor = Extractor.load(model)
    conditions = Conditions()
    found: dict[str, float] = {}
    for database in find_databases(dev):
        templates = [
            prepare(extractor.extract(conditions.apply(load_grey(i.path), database.dpi)))
            for i in track(database.impressions, description=f"{model.name} on {database.name}")
        ]
        fingers = [i.finger for i in database.impressions]
        a, b = np.triu_indices(len(templates), 1)
        scores = np.array([compare_prepared(templates[i], templates[j]) for i, j in zip(a, b, strict=True)])
        genuine = np.array([fingers[i] == fingers[j] for i, j in zip(a, b, strict=True)])
        found[database.name] = 100.0 * float(rates(scores, genuine).eer[0])
    return Choice(found)
