"""``python -m benchmarks.extractor_study``: what an extraction costs: start, time, memory, size of the model.

Each model is measured in a process of its own on one thread, with a synthetic print at the serial sensor's window
and one of a desktop scanner's size.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks.accuracy.threads import ONE_THREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW, WHOLE = (288, 256), (416, 416)  # height, width

# Reads two images from stdin; writes the figures. The peak is of a process that does nothing else.
_CHILD = """
import io, json, sys, time
begun = time.perf_counter()
import numpy as np
from edge_service.extraction import Extractor
imported = time.perf_counter()
path, card, repeats = sys.argv[1], sys.argv[2] == "card", int(sys.argv[3])
extractor = Extractor.load(path, card=card)
loaded = time.perf_counter()
given = io.BytesIO(sys.stdin.buffer.read())
images = [np.load(given) for _ in range(2)]
times = []
for image in images:
    extractor.extract(image)
    spent = []
    for _ in range(repeats):
        at = time.perf_counter()
        extractor.extract(image)
        spent.append(1000.0 * (time.perf_counter() - at))
    times.append(sorted(spent)[repeats // 2])
# not ru_maxrss: through vfork and exec it begins at the parent's peak
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "model_sha256": extractor.model_sha256,
    "model_version": extractor.model_version,
    "import_ms": 1000.0 * (imported - begun),
    "load_ms": 1000.0 * (loaded - imported),
    "window_ms_p50": times[0],
    "whole_ms_p50": times[1],
    "peak_mb": float(status["VmHWM"].split()[0]) / 1024.0,
}))
"""


def measure(
    model: Path, images: tuple[NDArray[np.uint8], NDArray[np.uint8]], *, repeats: int
) -> dict[str, Any]:
    """Figures of one model. Raises RuntimeError, with what was said, if it cannot be run."""
    from edge_service.extraction.runtimes.model_card import card_path

    given = io.BytesIO()
    for image in images:
        np.save(given, image)
    card = "card" if card_path(model).exists() else "no card"
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", _CHILD, str(model), card, str(repeats)],
        input=given.getvalue(),
        capture_output=True,
        env=os.environ | ONE_THREAD,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError((done.stderr.decode().strip().splitlines() or ["it died"])[-1])
    return json.loads(done.stdout) | {"bytes": model.stat().st_size, "repeats": repeats}


def main(
    models: Annotated[
        list[Path] | None,
        typer.Argument(help="Model files; the one that ships without any.", show_default=False),
    ] = None,
    *,
    repeats: Annotated[int, typer.Option(min=3, help="Extractions timed, of each size.")] = 60,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures of the first model, for the model card.")
    ] = None,
) -> None:
    """Time, memory and size of one model or several.

    Example: python -m benchmarks.extractor_study --json cost.json
    """
    from rich.console import Console
    from rich.table import Table

    from benchmarks.accuracy.reporting import describe_machine
    from edge_service.extraction.extractor import DEFAULT_MODEL
    from models.synthetic import impression, master

    images = (impression(master(3), 1, size=WINDOW), impression(master(3), 1, size=WHOLE))
    table = Table("model", "MB", "import ms", "load ms", "256x288 ms", "416x416 ms", "peak MiB")
    found: list[dict[str, Any]] = []
    for model in models or [DEFAULT_MODEL]:
        try:
            figures = measure(model, images, repeats=repeats)
        except (RuntimeError, OSError) as error:
            Console(stderr=True).print(f"error: {model}: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(2) from error
        found.append(figures | {"processor": describe_machine()["processor"]})
        numbers = [figures[k] for k in ("import_ms", "load_ms", "window_ms_p50", "whole_ms_p50", "peak_mb")]
        table.add_row(model.name, f"{figures['bytes'] / 1e6:.2f}", *(f"{v:.1f}" for v in numbers))
    Console().print(table)
    if json_file is not None:
        json_file.write_text(json.dumps(found[0], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
