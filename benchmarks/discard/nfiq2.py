"""NFIQ 2, the standard's reference quality (ISO/IEC 29794-4), out of the peers' environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.accuracy.peers import REPOSITORY, PeerRefused, PeerWorker, peers_python

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


class Nfiq2(PeerWorker):
    """Scores images, one process for all of them. Raises SystemUnderTestError if it cannot be had."""

    def __init__(self, *, on_install: Callable[[str], None]) -> None:
        super().__init__(
            peers_python(on_install=on_install),
            "NFIQ 2",
            script=Path(__file__).with_name("nfiq2_worker.py"),
            environment={"PYTHONPATH": str(REPOSITORY)},
        )
        self.times_ms: list[float] = []

    def score(self, image: NDArray[np.uint8]) -> int:
        """0 to 100 for uint8 (height, width) at 500 dpi, whole extraction included; 0 where it gives up.

        Raises SystemUnderTestError if its process breaks down.
        """
        try:
            answer = self.call("score", image=image)
        except PeerRefused:  # it says so where it finds no print
            return 0
        self.times_ms.append(float(answer["wall_ms"]))
        return int(answer["score"])
