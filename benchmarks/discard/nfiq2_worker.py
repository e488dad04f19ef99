"""NFIQ 2's side: run by the interpreter of the peers' environment, spoken to as `benchmarks.accuracy.worker` is."""
# pyright: reportMissingImports=false, reportAny=false

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.worker import read_message, write_message

if TYPE_CHECKING:
    from benchmarks.accuracy.worker import Message


def main() -> None:
    """Answer images with their score, 0 to 100, until standard input ends."""
    import nbis

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints itself
    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=True, ppi=500.0
    )
    extractor = nbis.new_nbis_extractor(settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "print.pgm"
        while (request := read_message(sys.stdin.buffer)) is not None:
            image = request["image"]
            path.write_bytes(b"P5\n%d %d\n255\n" % (image.shape[1], image.shape[0]) + image.tobytes())
            begun = time.perf_counter()
            answer: Message
            try:
                score = extractor.extract_minutiae_from_image_file(str(path)).quality().score
                answer = {"score": np.array(score), "wall_ms": np.array(1e3 * (time.perf_counter() - begun))}
            except Exception as error:  # noqa: BLE001 - told to the other side, which decides
                answer = {"error": np.array(f"{type(error).__name__}: {error}")}
            write_message(answers, answer)


if __name__ == "__main__":
    main()
