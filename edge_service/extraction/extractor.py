"""The extractor: a grey image in, minutiae out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import decode, frames
from edge_service.extraction import parameters as p
from edge_service.extraction.quality import finger_quality
from edge_service.extraction.runtimes import Network, load_network
from edge_service.extraction.runtimes.model_file import ModelFile
from interchange import Minutiae

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "models" / "minutiae.tflite"


class Extractor:
    """Finds the minutiae of fingerprint images.

    Attributes:
        model_sha256: SHA-256 of the model file, in hex: which network has made a template.
    """

    def __init__(self, network: Network, *, model_sha256: str) -> None:
        self._network = network
        self.model_sha256 = model_sha256

    @classmethod
    def load(cls, path: str | Path | None = None, *, threads: int = 1) -> Extractor:
        """Load a model, the one that ships by default.

        Raises:
            ModelRefused: the file is missing or no model of this kind.
            RuntimeMissing: no TensorFlow Lite runtime is installed; the message says which to install.
        """
        model = ModelFile.read(Path(path) if path is not None else DEFAULT_MODEL)
        return cls(load_network(model, threads=threads), model_sha256=model.sha256)

    def extract(self, image: ArrayLike, dpi: float = 500) -> Minutiae:
        """Minutiae of one impression, in the image's own pixels and resolution.

        Args:
            image: uint8 (height, width), 96 to 1000 each way, dark ridges on a bright ground.
            dpi: resolution of the image, 300 to 1100.

        Returns:
            The minutiae, most certain first, with `finger_quality` 0 to 100. An image without a print gives no
            minutiae and quality 0.

        Raises:
            ImageRefused: the image is not an 8-bit grey image of such a size and resolution.
            ModelRefused: the network breaks down, because its weights are damaged.
        """
        grey = frames.check(image, dpi)
        if int(grey.max()) == int(grey.min()):
            return Minutiae.empty(width=grey.shape[1], height=grey.shape[0], dpi=dpi)
        resampled = frames.at_500_dpi(grey, dpi)
        output = self._output(resampled)
        area = decode.print_area_mm2(output)
        if area < p.LEAST_PRINT_MM2:
            return Minutiae.empty(width=grey.shape[1], height=grey.shape[0], dpi=dpi)
        found = decode.minutiae(output, width=resampled.shape[1], height=resampled.shape[0])
        quality = finger_quality(area_mm2=area, certainty=found.quality)
        return replace(_in_pixels_of(found, grey, dpi), finger_quality=quality)

    def _output(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        size, corners = frames.tiles(image.shape[:2], self._network.shapes)  # pyright: ignore[reportArgumentType]
        fill = frames.background(image)
        pieces = [(at, self._network.run(frames.cut(image, at, size, fill))) for at in corners]
        return frames.join(pieces, image.shape[:2])  # pyright: ignore[reportArgumentType]


def _in_pixels_of(found: Minutiae, image: NDArray[np.uint8], dpi: float) -> Minutiae:
    """The minutiae at the image's own resolution, held inside the image."""
    if found.dpi == dpi:
        return found
    height, width = image.shape
    # by the sides, which were rounded, not by the resolutions; the image's edges stay its edges
    x = (found.x.astype(np.float64) + 0.5) * (width / found.width) - 0.5
    y = (found.y.astype(np.float64) + 0.5) * (height / found.height) - 0.5
    return Minutiae.make(
        x.clip(0, width - 1),
        y.clip(0, height - 1),
        found.angle,
        type=found.type,
        quality=found.quality,
        width=width,
        height=height,
        dpi=dpi,
    )
