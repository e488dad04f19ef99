"""Runtimes that can run the network: one file each, tried in order of preference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge_service.extraction.errors import RuntimeMissing
from edge_service.extraction.runtimes.model_file import ModelFile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class Network(Protocol):
    """A loaded network.

    Attributes:
        shapes: (height, width) of each input it was built for, smallest first.
    """

    shapes: tuple[tuple[int, int], ...]

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (h, w) of one of `shapes` to float32 (h / 4, w / 4, 7); see `extraction.decode`."""
        ...

    def forget(self) -> None:
        """Leave nothing of the images that were run in the network's own memory."""
        ...


def load_network(source: Path | ModelFile, *, threads: int) -> Network:
    """The network in a file, by the first runtime that loads. Raises `RuntimeMissing` or `ModelRefused`.

    The model's card is not looked at here: `Extractor.load` does that.
    """
    model = source if isinstance(source, ModelFile) else ModelFile.read(source)
    tried: dict[str, ImportError] = {}
    try:
        from edge_service.extraction.runtimes.litert import LiteRtNetwork

        return LiteRtNetwork(model, threads=threads)
    except ImportError as error:
        tried["ai-edge-litert"] = error
    try:
        from edge_service.extraction.runtimes.tflite import TfliteRuntimeNetwork

        return TfliteRuntimeNetwork(model, threads=threads)
    except ImportError as error:
        tried["tflite-runtime"] = error
    raise RuntimeMissing(
        {name: str(error) for name, error in tried.items()},
        broken=[name for name, error in tried.items() if not isinstance(error, ModuleNotFoundError)],
    )
