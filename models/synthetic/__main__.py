"""`python -m models.synthetic --fingers 100 --impressions 8 OUT`: synthetic prints and their truth, FVC style."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from models.synthetic import parameters as p


def main(  # noqa: PLR0917 - typer makes options of them
    out: Annotated[
        Path, typer.Argument(help="Folder to write <finger>_<impression>.png, .iso and .npz into.")
    ],
    fingers: Annotated[int, typer.Option(min=1, help="How many fingers.")] = 10,
    impressions: Annotated[int, typer.Option(min=1, help="Impressions of each finger.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first finger; the next ones count up.")] = 1,
    window: Annotated[
        str, typer.Option(metavar="WxH", help="Size of the images; 256x288 is an R307's.")
    ] = "320x384",
    dpi: Annotated[float, typer.Option(help="Resolution of the images.")] = p.DPI,
    levels: Annotated[
        int, typer.Option(min=2, max=256, help="Grey levels; the serial sensors send 16.")
    ] = 256,
    sensor: Annotated[
        str | None, typer.Option(help="optical, prism, capacitive or module; any of them when not given.")
    ] = None,
    difficulty: Annotated[
        float | None, typer.Option(min=0, max=1, help="0 easy to 1 hard; a natural mixture when not given.")
    ] = None,
) -> None:
    """Write synthetic fingerprints, nobody's, with exact minutiae; the same for the same options.

    Beside each image stand its minutiae (.iso, an ISO/IEC 19794-2:2005 record), and where skin touches and how the
    ridges run (.npz, arrays mask and orientation).

    Example: python -m models.synthetic --fingers 100 --impressions 8 --window 256x288 --levels 16 /tmp/prints
    """
    from rich.progress import track

    from interchange.command_line import fail
    from models.synthetic.folder import Sensor, write_folder

    size = re.fullmatch(r"(\d{1,4})x(\d{1,4})", window)
    if size is None:
        fail(f"--window {window}: give width and height in pixels, for example 256x288")
    taken_with = Sensor((int(size[2]), int(size[1])), dpi, sensor, levels, difficulty)
    written = write_folder(out, fingers=fingers, impressions=impressions, seed=seed, sensor=taken_with)
    try:
        for _ in track(written, total=fingers * impressions, description="Synthetic prints"):
            pass
    except (ValueError, OSError) as error:
        fail(error)


if __name__ == "__main__":
    typer.run(main)
