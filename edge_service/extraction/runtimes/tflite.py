"""`tflite-runtime`: the older runtime, for machines that have it already (Python 3.11 at the latest)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.extraction.runtimes.interpreters import interpreter_of
from edge_service.extraction.runtimes.signatures import SignatureNetwork

if TYPE_CHECKING:
    from edge_service.extraction.runtimes.model_file import ModelFile


class TfliteRuntimeNetwork(SignatureNetwork):
    """The network under tflite-runtime. Raises ImportError where it is not installed or cannot be loaded."""

    def __init__(self, model: ModelFile, *, threads: int) -> None:
        super().__init__(interpreter_of("tflite_runtime"), model, threads=threads)
