"""The print by which `edge-service doctor` tells a processor that computes wrongly: drawn, extracted, written.

    python -m models.reference_print

After a new network it has to be written anew, on a machine that is trusted; a test compares.
"""

from __future__ import annotations

import base64
import io
import json

import typer

from edge_service.extraction import Extractor
from edge_service.extraction.reference import FILE
from interchange import iso19794

SEED, TOUCH = 6450, 1
HEIGHT_PX, WIDTH_PX, DPI, LEVELS = 288, 256, 500, 16
DIFFICULTY = 0.2


def make() -> dict[str, object]:
    """What is in the file. The picture has 16 grey levels, as the sensor's, four bits each."""
    from PIL import Image

    from models.synthetic.master import master
    from models.synthetic.touch import touch

    made = touch(
        master(SEED),
        TOUCH,
        window=(HEIGHT_PX, WIDTH_PX),
        dpi=DPI,
        levels=LEVELS,
        difficulty=DIFFICULTY,
        with_truth=False,
    )
    extractor = Extractor.load()
    buffer = io.BytesIO()
    Image.fromarray(made.image).save(buffer, "PNG", optimize=True)
    return {
        "about": "A synthetic print, nobody's, and the ISO/IEC 19794-2:2005 record that this network makes of it.",
        "dpi": DPI,
        "model_sha256": extractor.model_sha256,
        "png": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "record": base64.b64encode(iso19794.encode(extractor.extract(made.image, DPI))).decode("ascii"),
    }


def main() -> None:
    """Write it."""
    tree = make()
    FILE.write_text(json.dumps(tree, indent=1) + "\n", "ascii")
    typer.echo(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
