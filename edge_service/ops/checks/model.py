"""The network that finds minutiae: the file that shipped, and something to run it with."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

RUNTIMES = ("ai_edge_litert", "tflite_runtime")


def check(_patient: Patient) -> Finding:
    """The file against its card; without loading it into a runtime, which costs memory beside a service."""
    from edge_service.extraction.errors import ExtractionError
    from edge_service.extraction.extractor import DEFAULT_MODEL
    from edge_service.extraction.runtimes.model_card import SHOWN_SHA, read_card
    from edge_service.extraction.runtimes.model_file import ModelFile

    try:
        model = ModelFile.read(DEFAULT_MODEL)
        card = read_card(DEFAULT_MODEL)
        card.check_file(model)
    except ExtractionError as error:
        return Finding("model", Level.PROBLEM, str(error), "Install the program again.")
    facts = {"version": card.version, "sha256": model.sha256}
    if not any(importlib.util.find_spec(name) for name in RUNTIMES):
        return Finding(
            "model",
            Level.PROBLEM,
            "no TensorFlow Lite runtime",
            "Install it: pip install ai-edge-litert",
            facts,
        )
    what = f"version {card.version}, SHA-256 {model.sha256[:SHOWN_SHA]}, as its card says"
    return Finding("model", Level.OK, what, facts=facts)
