"""`python -m models.quality.pictures OUT.png`: a page of impressions that went wrong, and what the officer is told.

Synthetic prints only. Each is the first of its kind, counting seeds, to which the extractor gives that reason.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

    from edge_service.extraction.advice import Reason

    Grey = NDArray[np.uint8]

WINDOW = (288, 256)
EDGE_PX = 40  # more than the window, so that a finger that is moved aside goes on where it was cut
FINGERS, SEEDS = (3, 5, 8, 13), 10
SIDES = {"too_far_left": "left", "too_far_right": "right", "too_far_up": "top", "too_far_down": "bottom"}
STRENGTH = {"press_less": (2.0, 2.4)}  # less is read all the same, more runs together as water does
COLUMNS, MARGIN_PX, WORDS_PX, TITLE_PX, TEXT_PX = 5, 16, 78, 15, 13
LETTERS_A_LINE = 38
INK, FAINT, PAPER = (25, 25, 25), (95, 95, 95), (255, 255, 255)


def main(out: Annotated[Path, typer.Argument(help="The picture to write, PNG.")]) -> None:
    """Draw one impression for each reason, with the words that come with it.

    Example: python -m models.quality.pictures docs/pictures/quality.png
    """
    from rich.progress import track

    from edge_service.extraction import Extractor
    from edge_service.extraction.advice import Reason

    extractor = Extractor.load()
    prints = sound()
    larger = sound((WINDOW[0] + 2 * EDGE_PX, WINDOW[1] + 2 * EDGE_PX))
    shown: list[tuple[Grey, int, Reason | None]] = []
    for reason in track([None, *Reason], description="Spoiling prints"):
        for image in candidates(reason, larger if reason in SIDES else prints):
            found, assessment = extractor.assess(image)
            if assessment.reason == reason:
                shown.append((image, found.finger_quality, reason))
                break
    page(shown).save(out, format="PNG")
    typer.echo(f"wrote {out}, {len(shown)} impressions")


def sound(size: tuple[int, int] = WINDOW) -> list[Grey]:
    """Good synthetic impressions, uint8 (height, width)."""
    from models.synthetic import impression, master

    return [impression(master(seed), number, size=size) for seed in FINGERS for number in (1, 2)]


def candidates(reason: Reason | None, prints: list[Grey]) -> Iterator[Grey]:
    """Images to which the extractor may well give a reason, in 16 grey levels."""
    from edge_service.extraction.advice import Reason
    from models.quality import degrade, nonprints

    faults = {
        Reason.TOO_DRY: degrade.dry,
        Reason.TOO_WET: degrade.wet,
        Reason.PRESS_MORE: degrade.light,
        Reason.PRESS_LESS: degrade.hard,
        Reason.MOVED: degrade.moved,
        Reason.TOO_LITTLE: degrade.small,
    }
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 7])
        for image in prints:
            if reason is None:
                spoilt = image
            elif reason is Reason.NOTHING:
                spoilt = nonprints.nonprint(rng, WINDOW, "blank")
            elif reason is Reason.NOT_A_FINGER:
                spoilt = nonprints.nonprint(rng, WINDOW, "text")
            elif reason in SIDES:
                spoilt = degrade.aside(rng, image, SIDES[reason], strength=rng.uniform(0.7, 1.2))
                spoilt = spoilt[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX]
            elif reason in faults:
                spoilt = faults[reason](rng, image, strength=rng.uniform(*STRENGTH.get(reason, (1.0, 3.2))))
            else:
                spoilt = degrade.moved(rng, degrade.dry(rng, image))
            yield (spoilt // 16 * 17).astype(np.uint8)


def page(shown: list[tuple[Grey, int, Reason | None]]) -> Image:
    """The impressions in rows, with their quality and the words below each."""
    import textwrap

    from PIL import Image, ImageDraw, ImageFont

    height, width = WINDOW[0] + WORDS_PX + MARGIN_PX, WINDOW[1] + MARGIN_PX
    rows = -(-len(shown) // COLUMNS)
    paper = Image.new("RGB", (COLUMNS * width + MARGIN_PX, rows * height + MARGIN_PX), PAPER)
    pen = ImageDraw.Draw(paper)
    title, text = (ImageFont.load_default(size=size) for size in (TITLE_PX, TEXT_PX))
    for number, (image, quality, reason) in enumerate(shown):
        x = MARGIN_PX + number % COLUMNS * width
        y = MARGIN_PX + number // COLUMNS * height
        paper.paste(Image.fromarray(image), (x, y))
        pen.rectangle([x - 1, y - 1, x + image.shape[1], y + image.shape[0]], outline=FAINT)
        y += image.shape[0] + 6
        pen.text((x, y), f"quality {quality}" + (f"   {reason}" if reason else ""), fill=INK, font=title)
        words = reason.words() if reason else "Nothing to say: good enough."
        pen.multiline_text((x, y + 20), textwrap.fill(words, LETTERS_A_LINE), fill=FAINT, font=text)
    return paper


if __name__ == "__main__":
    typer.run(main)
