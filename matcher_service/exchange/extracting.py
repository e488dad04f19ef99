"""Minutiae of an image that came in a file: by the kiosk's own extractor, as a program of its own.

The matcher does not know the extractor (decision 0015): where the kiosk's package is installed beside it, it is started
as `edge-service extract` is by hand, one image at a time, with bounds on memory and time.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interchange.errors import TemplateError
from interchange.messages import ModelReference
from matcher_service.exchange import images, limited_process, parameters
from matcher_service.exchange.errors import ImageRefused
from matcher_service.exchange.image_headers import ImageKind
from matcher_service.repositories.prints import read_single

if TYPE_CHECKING:
    from interchange import Minutiae
    from matcher_service.exchange.image_records import FoundImage

_EXTRACT = """
import runpy, sys
sys.argv[0] = "edge-service"
runpy.run_module("edge_service", run_name="__main__", alter_sys=False)
"""


@dataclass(frozen=True, slots=True)
class Extracted:
    """Minutiae of one image, and the model that found them."""

    minutiae: Minutiae
    model: ModelReference


def extract(image: FoundImage) -> Extracted:
    """Minutiae of an image of one finger. Raises ImageRefused, with what to do."""
    if importlib.util.find_spec("edge_service") is None:
        raise ImageRefused(
            "the kiosk's extractor is not installed here, so only minutiae (Type-9) can be taken: run this command"
            " where it is installed, or have the sender add Type-9 records"
        )
    with tempfile.TemporaryDirectory(prefix="whorl-ebts-") as folder:
        data = image.data
        if image.kind is ImageKind.RAW:
            grey = np.frombuffer(data, np.uint8).reshape(image.height, image.width)
            data = images.encode(grey, ImageKind.PNG)
        source = Path(folder) / ("print.wsq" if image.kind is ImageKind.WSQ else "print.png")
        source.write_bytes(data)
        return _run(source, Path(folder) / "print.iso", image.dpi)


def _run(source: Path, target: Path, dpi: float) -> Extracted:
    child = limited_process.run(
        _EXTRACT,
        ["extract", str(source), "--dpi", f"{dpi:g}", "--out", str(target), "--json"],
        memory_bytes=parameters.EXTRACT_MEMORY_BYTES,
        cpu_s=parameters.EXTRACT_CPU_S,
        deadline_s=parameters.EXTRACT_DEADLINE_S,
    )
    if child is None:
        raise ImageRefused("the extractor did not come to an end over it; have it scanned again")
    if child.returncode != 0:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1].replace(str(source), "the image") if lines else "without a word"
        raise ImageRefused(f"the extractor refused it: {said[:200]}")
    try:
        facts = json.loads(child.stdout)
        _, minutiae = read_single(target.read_bytes())
        model = ModelReference(
            name="minutiae", sha256=facts["model_sha256"], version=facts["model_version"] or None
        )
    except (ValueError, KeyError, OSError, TemplateError) as error:
        raise ImageRefused(f"the extractor's answer cannot be read ({type(error).__name__})") from error
    return Extracted(minutiae, model)
