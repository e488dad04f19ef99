"""`ai-edge-litert`: the maintained runtime, with XNNPACK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.extraction.runtimes.interpreters import interpreter_of
from edge_service.extraction.runtimes.signatures import SignatureNetwork

if TYPE_CHECKING:
    from edge_service.extraction.runtimes.model_file import ModelFile


class LiteRtNetwork(SignatureNetwork):
    """The network under LiteRT. Raises ImportError where it is not installed or cannot be loaded."""

    def __init__(self, model: ModelFile, *, threads: int) -> None:
        super().__init__(interpreter_of("ai_edge_litert"), model, threads=threads)
