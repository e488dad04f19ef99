"""Probes and their mates: real impressions where a folder of them is given, rendered ones otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.search.making import sources_digest
from benchmarks.search.parameters import RENDERED_FINGERS_FROM
from interchange import Minutiae

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.accuracy.databases import Database, Impression
    from benchmarks.accuracy.imaging import Conditions
    from edge_service.extraction import Extractor

_MATE_TAG = 2  # high word of the identities of the probes' mates


@dataclass(frozen=True, slots=True)
class Case:
    """One probe and the impression of the same finger that is in the gallery.

    Attributes:
        key: identity of the mate; cases of one finger share it.
        probe: searched.
        mate: enrolled.
    """

    key: str
    probe: Minutiae
    mate: Minutiae


def mate_key(number: int) -> str:
    """The identity of the finger of this number."""
    return f"{_MATE_TAG:016x}{number:016x}"


def real_cases(
    databases: list[Database],
    conditions: Conditions,
    *,
    probes: int,
    seed: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[Case]:
    """Cases of real fingers, all fingers before any comes again: one impression enrolled, the others probes.

    There are at most as many as the folders have impressions beyond each finger's first.
    """
    from benchmarks.accuracy.imaging import load_grey
    from edge_service.extraction import Extractor

    extractor = Extractor.load()
    known: dict[Path, Minutiae] = {}

    def extracted(dpi: float, impression: Impression) -> Minutiae:
        if impression.path not in known:
            image = conditions.apply(load_grey(impression.path), dpi)
            known[impression.path] = extractor.extract(image, dpi=500.0)
        return known[impression.path]

    cases: list[Case] = []
    for finger, dpi, mate, probe in _drawn(databases, probes, seed):
        cases.append(Case(mate_key(finger), extracted(dpi, probe), extracted(dpi, mate)))
        on_done()
    return cases


def _drawn(
    databases: list[Database], probes: int, seed: int
) -> Iterator[tuple[int, float, Impression, Impression]]:
    rng = np.random.default_rng(seed)
    fingers: list[tuple[float, list[Impression]]] = []
    for database in databases:
        for finger in database.fingers:
            own = [i for i in database.impressions if i.finger == finger]
            fingers.append((database.dpi, [own[int(k)] for k in rng.permutation(len(own))]))
    order = rng.permutation(len(fingers))
    drawn = 0
    for turn in range(1, max(len(own) for _, own in fingers)):
        for finger in order:
            dpi, own = fingers[int(finger)]
            if turn < len(own) and drawn < probes:
                drawn += 1
                yield int(finger), dpi, own[0], own[turn]


def rendered_cases(
    cache: Path, *, probes: int, seed: int, on_done: Callable[[], None] = lambda: None
) -> list[Case]:
    """Cases of rendered fingers: two touches of each at the sensor's window, extracted; kept in `cache`."""
    from edge_service.extraction import Extractor

    made_by = sources_digest(
        "models/synthetic/*.py", "edge_service/extraction/*.py", "models/minutiae.tflite"
    )
    folder = cache / f"rendered-{seed}-{made_by}"
    folder.mkdir(parents=True, exist_ok=True)
    extractor: Extractor | None = None
    cases: list[Case] = []
    for number in range(probes):
        paths = [folder / f"{number}_{touch}.npz" for touch in range(2)]
        if not all(path.is_file() for path in paths):
            extractor = extractor or Extractor.load()
            _render(RENDERED_FINGERS_FROM + seed * 100_000 + number, paths, extractor)
        mate, probe = (_read(path) for path in paths)
        cases.append(Case(mate_key(number), probe, mate))
        on_done()
    return cases


def _render(seed: int, paths: list[Path], extractor: Extractor) -> None:
    from models.synthetic import master, touch

    finger = master(seed)
    for number, path in enumerate(paths):
        image = touch(finger, number, window=(288, 256), levels=16, with_truth=False).image
        found = extractor.extract(image, dpi=500.0)
        table = np.stack([found.x, found.y, found.angle, found.type, found.quality], axis=1)
        np.savez(path, minutiae=table, quality=found.finger_quality)


def _read(path: Path) -> Minutiae:
    with np.load(path, allow_pickle=False) as kept:
        x, y, angle, kind, quality = kept["minutiae"].T
        whole = int(kept["quality"])
    return Minutiae.make(x, y, angle, type=kind, quality=quality, width=256, height=288, finger_quality=whole)
