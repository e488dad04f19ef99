"""The extractor: a grey image in, minutiae out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import decode, frames
from edge_service.extraction.features import Features, measure
from edge_service.extraction.quality import Assessment, Judge
from edge_service.extraction.runtimes import Network, load_network
from edge_service.extraction.runtimes.model_card import read_card
from edge_service.extraction.runtimes.model_file import ModelFile
from interchange import Minutiae

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from edge_service.extraction.trace import Trace

DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "models" / "minutiae.tflite"


class Extractor:
    """Finds the minutiae of fingerprint images.

    Attributes:
        model_sha256: SHA-256 of the model file, in hex: which network has made a template.
        model_version: version of the model by its card; None for a model without a card.
    """

    def __init__(
        self,
        network: Network,
        *,
        model_sha256: str,
        model_version: str | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._network = network
        self._judge = Judge.load() if judge is None else judge
        self.model_sha256 = model_sha256
        self.model_version = model_version

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        threads: int = 1,
        card: bool = True,
        judge: Judge | None = None,
    ) -> Extractor:
        """Load a model, the one that ships by default.

        Args:
            path: the model file; its card is the `.json` beside it.
            threads: of the runtime.
            card: whether the file must be the one that its card speaks of. False is for the workshop, where a
                candidate has no card yet: what it finds cannot be traced to a model, so nothing may be enrolled
                or searched with it.
            judge: of the quality; the one fitted to the model that ships by default.

        Raises:
            ModelRefused: the file is missing, no model of this kind, or not the one of its card.
            RuntimeMissing: no TensorFlow Lite runtime can be loaded; the message says which to install.
        """
        model = ModelFile.read(Path(path) if path is not None else DEFAULT_MODEL)
        if not card:
            return cls(load_network(model, threads=threads), model_sha256=model.sha256, judge=judge)
        known = read_card(model.path)
        known.check_file(model)  # before native code sees the file
        network = load_network(model, threads=threads)
        known.check_shapes(model.path, network.shapes)
        return cls(network, model_sha256=model.sha256, model_version=known.version, judge=judge)

    def extract(self, image: ArrayLike, dpi: float = 500, *, trace: Trace | None = None) -> Minutiae:
        """Minutiae of one impression, in the image's own pixels and resolution.

        Args:
            image: uint8 (height, width), 96 to 1000 each way, dark ridges on a bright ground.
            dpi: resolution of the image, 300 to 1100.
            trace: keeps what each stage saw; see `extraction.trace`.

        Returns:
            The minutiae, most certain first, with `finger_quality` 0 to 100. An image without a print gives no
            minutiae and quality 0.

        Raises:
            ImageRefused: the image is not an 8-bit grey image of such a size and resolution.
            ModelRefused: the network breaks down, because its weights are damaged.
        """
        return self.assess(image, dpi, trace=trace)[0]

    def assess(
        self, image: ArrayLike, dpi: float = 500, *, trace: Trace | None = None
    ) -> tuple[Minutiae, Assessment]:
        """The minutiae of `extract`, and why they are no better; arguments and errors are the same."""
        grey = frames.check(image, dpi)
        if trace is not None:
            trace.saw_image(grey, dpi)
        nothing = Minutiae.empty(width=grey.shape[1], height=grey.shape[0], dpi=dpi)
        if int(grey.max()) == int(grey.min()):
            return nothing, self._judge.assess(None)
        found, features = self._look(grey, dpi, trace)
        assessment = self._judge.assess(features)
        if assessment.quality == 0:
            return nothing, assessment
        return replace(_in_pixels_of(found, grey, dpi), finger_quality=assessment.quality), assessment

    def measure(self, image: ArrayLike, dpi: float = 500) -> tuple[Minutiae, Features]:
        """All minutiae, at 500 dpi, and the features, without any judgement: what the judgement is fitted on."""
        return self._look(frames.check(image, dpi), dpi, None)

    def forget(self) -> None:
        """Leave nothing of the images that were looked at in the network's memory; takes as long as one of them."""
        self._network.forget()

    def _look(self, image: NDArray[np.uint8], dpi: float, trace: Trace | None) -> tuple[Minutiae, Features]:
        resampled = frames.at_500_dpi(image, dpi)
        if trace is not None:
            trace.saw_resampled(resampled)
        output = self._output(resampled, trace)
        found = decode.minutiae(output, width=resampled.shape[1], height=resampled.shape[0])
        if trace is not None:
            trace.saw_decoded(found)
        return found, measure(resampled, output, found)

    def _output(self, image: NDArray[np.uint8], trace: Trace | None) -> NDArray[np.float32]:
        size, corners = frames.tiles(image.shape[:2], self._network.shapes)  # pyright: ignore[reportArgumentType]
        fill = frames.background(image)
        pieces = [(at, self._network.run(frames.cut(image, at, size, fill))) for at in corners]
        output = frames.join(pieces, image.shape[:2])  # pyright: ignore[reportArgumentType]
        if trace is not None:
            trace.saw_tiles(size, corners)
            trace.saw_output(output)
        return output


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
