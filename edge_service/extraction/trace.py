"""What each stage of one extraction saw: kept while it runs, drawn afterwards by `trace_pictures`.

Off by default. `Extractor.extract` imports this module only for its types and asks once a stage whether there is a
trace. A trace holds references to what the stages made anyway and copies nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interchange import Minutiae


@dataclass(slots=True)
class Trace:
    """Give one to `Extractor.extract(..., trace=trace)`, then its answer to `finish`. One extraction each.

    What was not come to stays None: nearly all of it, for an image of one grey.

    Attributes:
        image: uint8 (height, width), as it was given.
        dpi: its resolution.
        resampled: uint8 (height, width), the same at 500 dpi.
        tile: (height, width) of the network's input that was used.
        corners: (y, x) of the top left corner of each tile, in pixels at 500 dpi.
        output: float32 (rows, columns, 7), the network's output for the whole image; see `extraction.decode`.
        decoded: the minutiae at 500 dpi, before they were judged: what is no print may have some, and they are dropped.
        minutiae: the answer, in the image's own pixels.
        timings_ms: how long each stage took, in the order of the stages.
    """

    image: NDArray[np.uint8] | None = None
    dpi: float = 0.0
    resampled: NDArray[np.uint8] | None = None
    tile: tuple[int, int] | None = None
    corners: tuple[tuple[int, int], ...] = ()
    output: NDArray[np.float32] | None = None
    decoded: Minutiae | None = None
    minutiae: Minutiae | None = None
    timings_ms: dict[str, float] = field(default_factory=dict[str, float])
    _since: float = field(default_factory=time.perf_counter)

    def saw_image(self, image: NDArray[np.uint8], dpi: float) -> None:
        """The image was checked."""
        self.image, self.dpi = image, dpi
        self._took("check")

    def saw_resampled(self, image: NDArray[np.uint8]) -> None:
        """It was brought to 500 dpi."""
        self.resampled = image
        self._took("resample")

    def saw_tiles(self, size: tuple[int, int], corners: list[tuple[int, int]]) -> None:
        """It was laid out for the network."""
        self.tile, self.corners = size, tuple(corners)

    def saw_output(self, output: NDArray[np.float32]) -> None:
        """The network has run over all tiles, and they were joined."""
        self.output = output
        self._took("network")

    def saw_decoded(self, minutiae: Minutiae) -> None:
        """The output's peaks became minutiae."""
        self.decoded = minutiae
        self._took("decode")

    def finish(self, minutiae: Minutiae) -> None:
        """`minutiae` is what the extractor has answered."""
        self.minutiae = minutiae
        self._took("quality")

    def _took(self, stage: str) -> None:
        now = time.perf_counter()
        self.timings_ms[stage] = 1000.0 * (now - self._since)
        self._since = now
