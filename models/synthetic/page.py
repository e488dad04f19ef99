"""`python -m models.synthetic.page OUT.png`: a page of synthetic prints, every class on every kind of sensor.

`--beside DIR` adds rows of real prints from a folder of this machine, to look at the two side by side. A page with
real prints is personal data: it stays on the machine and never enters the repository.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from models.synthetic import parameters as p

if TYPE_CHECKING:
    from PIL import Image

WIDTH_PX, HEIGHT_PX = 256, 300  # of a print on the page
CAPTION_PX, GAP_PX = 22, 8
DIFFICULTIES = (0.15, 0.4, 0.25, 0.6)  # of the rows
IMAGES = frozenset({".png", ".tif", ".tiff", ".bmp"})


def main(
    out: Annotated[Path, typer.Argument(help="PNG file to write.")],
    beside: Annotated[
        Path | None,
        typer.Option(
            help="Folder of real prints to show below, for you alone: do not publish or commit the page."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first finger.")] = 1,
) -> None:
    """Draw a page of synthetic prints with captions."""
    from rich.progress import track

    from interchange.command_line import fail
    from models.synthetic import master, touch
    from models.synthetic.looks import LOOKS

    real = [] if beside is None else _real(beside, len(p.CLASS_SHARES) * 2)
    if beside is not None and not real:
        fail(f"{beside} holds no PNG, TIFF or BMP images; give a folder of prints")
    prints: list[tuple[Image.Image, str]] = []
    rows = list(zip(LOOKS, DIFFICULTIES, strict=True))
    jobs = [(look, hard, kind) for look, hard in rows for kind in p.CLASS_SHARES]
    for number, (look, hard, kind) in enumerate(track(jobs, description="Synthetic prints")):
        made = touch(
            master(seed + number, kind=kind), 1, window=(HEIGHT_PX, WIDTH_PX), look=look, difficulty=hard
        )
        prints.append((_grey(made.image), f"{kind}, {look}"))
    _page(prints + real, len(p.CLASS_SHARES)).save(out)


def _grey(image: object) -> Image.Image:
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.asarray(image))


def _real(folder: Path, count: int) -> list[tuple[Image.Image, str]]:
    """Some of a folder's images, evenly chosen, their middles cut out."""
    from PIL import Image

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    chosen = [found[k * len(found) // count] for k in range(min(count, len(found)))]
    made: list[tuple[Image.Image, str]] = []
    for path in chosen:
        with Image.open(path) as opened:
            image = opened.convert("L")
        left, top = (image.width - WIDTH_PX) // 2, (image.height - HEIGHT_PX) // 2
        made.append((image.crop((left, top, left + WIDTH_PX, top + HEIGHT_PX)), f"real, {path.parent.name}"))
    return made


def _page(prints: list[tuple[Image.Image, str]], columns: int) -> Image.Image:
    """The prints in rows, each with its caption below."""
    from PIL import Image, ImageDraw

    rows = -(-len(prints) // columns)
    cell_w, cell_h = WIDTH_PX + GAP_PX, HEIGHT_PX + CAPTION_PX + GAP_PX
    page = Image.new("L", (columns * cell_w + GAP_PX, rows * cell_h + GAP_PX), 255)
    draw = ImageDraw.Draw(page)
    for k, (image, caption) in enumerate(prints):
        x, y = GAP_PX + k % columns * cell_w, GAP_PX + k // columns * cell_h
        page.paste(image, (x, y))
        draw.rectangle((x - 1, y - 1, x + WIDTH_PX, y + HEIGHT_PX), outline=200)
        draw.text((x + 2, y + HEIGHT_PX + 4), caption, fill=0)
    return page


if __name__ == "__main__":
    typer.run(main)
