"""`python -m models.synthetic --fingers 10 --impressions 8 OUT`: a folder of synthetic prints, FVC style."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer


def main(
    out: Annotated[Path, typer.Argument(help="Folder to write <finger>_<impression>.png into.")],
    fingers: Annotated[int, typer.Option(min=1, help="How many fingers.")] = 10,
    impressions: Annotated[int, typer.Option(min=1, help="Impressions of each finger.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed of the first finger; the next ones count up.")] = 1,
) -> None:
    """Write synthetic fingerprints, nobody's, the same for the same seed.

    Example: python -m models.synthetic --fingers 10 --impressions 4 /tmp/prints
    """
    from PIL import Image
    from rich.progress import track

    from models.synthetic import impression, master

    out.mkdir(parents=True, exist_ok=True)
    for number in track(range(fingers), description="Growing fingers"):
        finger = master(seed + number)
        for k in range(1, impressions + 1):
            Image.fromarray(impression(finger, k)).save(out / f"{number + 1}_{k}.png")


if __name__ == "__main__":
    typer.run(main)
