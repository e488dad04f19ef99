"""Cylinders of the same minutiae in different impressions: ``python -m models.matching.sketch_pairs DIR... --out F``.

Every two impressions of a finger are compared; where the comparison is sure that they are mates, the cylinders of the
minutiae it paired are kept. Prints are read as ``<finger>_<impression>`` images and go through the product's
extractor; their mirror images count as other fingers. To be run on training data only.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interchange import Minutiae
    from matcher_service.search import Template

SURE_EVIDENCE = 4.0  # -log10 of the false match rate


def mirrored(print_: Minutiae) -> Minutiae:
    """The print in a mirror: another finger, with the same statistics."""
    from interchange import Minutiae

    return Minutiae.make(
        print_.width - 1 - print_.x,
        print_.y,
        np.pi - print_.angle,
        type=print_.type,
        quality=print_.quality,
        width=print_.width,
        height=print_.height,
        dpi=print_.dpi,
    )


def mated(impressions: list[Template]) -> list[tuple[NDArray[np.uint64], ...]]:
    """(bits, mask, bits, mask) of the paired minutiae of every two impressions that are surely of one finger."""
    from matcher_service.search.compare import explain_prepared
    from matcher_service.search.decision import fuse

    found: list[tuple[NDArray[np.uint64], ...]] = []
    for a, b in combinations(impressions, 2):
        comparison = explain_prepared(a, b)
        if fuse([comparison.score]) < SURE_EVIDENCE:
            continue
        i, j = comparison.pairs.T
        both = a.valid[i] & b.valid[j]
        found.append((a.bits[i[both]], a.mask[i[both]], b.bits[j[both]], b.mask[j[both]]))
    return found


def main() -> None:
    """Read the folders, compare, write."""
    from benchmarks.accuracy.databases import find_databases
    from benchmarks.accuracy.imaging import Conditions, load_grey
    from benchmarks.accuracy.session import progress_bars
    from edge_service.extraction import Extractor
    from matcher_service.search import prepare

    reads = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reads.add_argument("folders", type=Path, nargs="+", help="folders of <finger>_<impression> images")
    reads.add_argument("--out", type=Path, required=True, help="the pairs, an .npz file")
    asked = reads.parse_args()
    extractor = Extractor.load()
    whole, window = Conditions(), Conditions((256, 288), 16)
    fingers: dict[tuple[str, str, bool], list[Template]] = {}
    databases = [d for folder in asked.folders for d in find_databases(folder)]
    with progress_bars() as bars:
        task = bars.add_task("extracting", total=sum(len(d.impressions) for d in databases))
        for database in databases:
            for impression in database.impressions:
                image = load_grey(impression.path)
                for conditions in (whole, window):
                    print_ = extractor.extract(conditions.apply(image, database.dpi), dpi=500.0)
                    for flipped, one in ((False, print_), (True, mirrored(print_))):
                        known = fingers.setdefault((database.name, impression.finger, flipped), [])
                        known.append(prepare(one))
                bars.advance(task)
    found = [rows for impressions in fingers.values() for rows in mated(impressions)]
    names = ("one_bits", "one_mask", "other_bits", "other_mask")
    columns = {
        name: np.concatenate(column) for name, column in zip(names, zip(*found, strict=True), strict=True)
    }
    np.savez(asked.out, **columns)


if __name__ == "__main__":
    main()
