"""`python -m models.quality DATA`: fit the quality anew, for the network that stands there now."""

from __future__ import annotations

import json
import os
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.quality.samples import Sample


def main(
    data: Annotated[
        Path, typer.Argument(help="Training prints <finger>_<impression>.png, one subfolder a set.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; the product's own file if left out.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="The network; the one that ships if left out.")] = None,
) -> None:
    """Fit what a print's quality says, and what is refused as no print, to a network.

    Five minutes for 1,250 prints. The same prints and network give the same numbers.

    Example: python -m models.quality prints/train
    """
    from rich.console import Console
    from rich.progress import Progress

    from edge_service.extraction import Extractor
    from edge_service.extraction.quality import FITTED, Judge
    from models.quality import samples as looked

    extractor = Extractor.load(model, card=model is None, judge=Judge.unfitted())
    with Progress(console=Console(stderr=True)) as progress:
        start, done = _bar(progress.add_task, progress.advance)
        prints = looked.look(data, extractor, on_start=start("Looking at prints"), on_done=done)
        things = looked.things(extractor, on_start=start("and at other things"), on_done=done)
    fitted = _fit(prints, looked.table(things), sha256=extractor.model_sha256)
    target = FITTED if out is None else out
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    part.replace(target)
    typer.echo(f"wrote {target}, from {len(prints):,} views of prints and {len(things)} things with minutiae")


def _bar(
    add: Callable[..., Any], advance: Callable[..., None]
) -> tuple[Callable[[str], Callable[[int], None]], Callable[[], None]]:
    """One bar after the other: `start(words)(total)` begins one, `done()` moves the last."""
    tasks: list[Any] = []

    def start(words: str) -> Callable[[int], None]:
        return lambda total: tasks.append(add(words, total=total))

    return start, lambda: advance(tasks[-1])


def _fit(prints: list[Sample], things: dict[str, Any], *, sha256: str) -> dict[str, Any]:
    from edge_service.extraction.parameters import LEAST_MINUTIAE
    from models.quality import likeness, recognition
    from models.quality import parameters as p
    from models.quality import samples as looked

    values = looked.table(s.features for s in prints)
    ordinary = np.array([s.seen == "R307" for s in prints])
    spoilt = np.array([s.seen == looked.SPOILT for s in prints])
    sound = ~spoilt & (values["minutiae"] >= LEAST_MINUTIAE)
    limit = looked.threshold(prints, fmr=p.FMR)
    return {
        "model_sha256": sha256,
        "databases": sorted({s.database for s in prints}),
        "views": len(prints),
        "things": len(next(iter(things.values()))),
        "threshold": round(limit, 3),
        "recognised": recognition.fit(values, looked.mates(prints), threshold=limit, spoilt=spoilt),
        "print_like": likeness.fit({n: v[sound] for n, v in values.items()}, things),
        "ordinary": {
            name: {
                "mean": float(f"{np.median(v[ordinary]):.5g}"),
                "deviation": float(f"{np.subtract(*np.quantile(v[ordinary], [0.9, 0.1])) / 2.563:.5g}"),
            }
            for name, v in values.items()
        },
    }


if __name__ == "__main__":
    typer.run(main)
