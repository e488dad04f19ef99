"""`python -m models.quality.refusals DIR...`: what gets through that is no print, and which prints do not.

Non-prints by kind, those held out apart; prints at every condition, with how near the nearest came to being refused,
and what the poor ones are told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from edge_service.extraction import Extractor
    from edge_service.extraction.quality import Judge

WORST = 3  # margins shown


@dataclass
class Tally:
    """What became of the images of one kind."""

    images: int = 0
    taken: int = 0
    minutiae_before: int = 0
    margins: list[float] = field(default_factory=list[float])
    reasons: Counter[str] = field(default_factory=Counter[str])


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of prints.", show_default=False)
    ] = None,
    *,
    model: Annotated[Path | None, typer.Option(help="The network; the one that ships if left out.")] = None,
    fitted: Annotated[
        Path | None, typer.Option(help="The fitted numbers; the product's if left out.")
    ] = None,
) -> None:
    """Count non-prints that get through, and prints that do not.

    Example: python -m models.quality.refusals prints/train prints/fvc2002
    """
    from rich.console import Console
    from rich.progress import Progress

    from edge_service.extraction import Extractor
    from edge_service.extraction.quality import FITTED, Judge

    judge = Judge.load(fitted or FITTED)
    extractor = Extractor.load(model, card=model is None, judge=judge)
    with Progress(console=Console(stderr=True)) as progress:
        things = _things(extractor, judge, progress)
        prints = _prints(extractor, judge, folders or [], progress)
    _tell(things, prints)


def _things(extractor: Extractor, judge: Judge, progress: Progress) -> dict[str, Tally]:
    from models.quality import nonprints
    from models.quality import parameters as p

    kinds = (*nonprints.KINDS, *nonprints.HELD_OUT)
    task = progress.add_task("Non-prints", total=len(kinds) * len(nonprints.SIZES_PX) * p.TEST_SEEDS)
    found: dict[str, Tally] = {}
    for kind in kinds:
        tally = found.setdefault(kind + (" (held out)" if kind in nonprints.HELD_OUT else ""), Tally())
        for size in nonprints.SIZES_PX:
            for seed in range(p.TEST_SEEDS):
                _count(tally, extractor, judge, nonprints.example(kind, seed, size))
                progress.advance(task)
    return found


def _prints(
    extractor: Extractor, judge: Judge, folders: list[Path], progress: Progress
) -> dict[tuple[str, str], Tally]:
    from benchmarks.accuracy.databases import find_databases
    from benchmarks.accuracy.imaging import load_grey
    from models.quality.samples import SEEN, as_seen

    found: dict[tuple[str, str], Tally] = {}
    databases = [d for folder in folders for d in find_databases(folder)]
    task = progress.add_task("Prints", total=len(SEEN) * sum(len(d.impressions) for d in databases))
    for database in databases:
        for number, impression in enumerate(database.impressions):
            grey = load_grey(impression.path)
            for seen in SEEN:
                tally = found.setdefault((seen, database.name), Tally())
                _count(tally, extractor, judge, as_seen(grey, database, seen, number))
                progress.advance(task)
    return found


def _count(tally: Tally, extractor: Extractor, judge: Judge, image: object) -> None:
    found, features = extractor.measure(image)  # pyright: ignore[reportArgumentType]
    assessment = judge.assess(features)
    tally.images += 1
    tally.taken += assessment.quality > 0
    tally.minutiae_before += len(found) > 0
    tally.margins.append(judge.likeness(features))
    if assessment.reason is not None:
        tally.reasons[assessment.reason] += 1


def _tell(things: dict[str, Tally], prints: dict[tuple[str, str], Tally]) -> None:
    typer.echo("| no print | images | network sees minutiae | taken for a print |\n|---|---:|---:|---:|")
    for kind, tally in things.items():
        typer.echo(f"| {kind} | {tally.images} | {tally.minutiae_before} | {tally.taken} |")
    if not prints:
        return
    typer.echo(
        "\n| seen | database | prints | refused | least likeness | told |\n|---|---|---:|---:|---|---|"
    )
    for (seen, database), tally in sorted(prints.items()):
        worst = " ".join(f"{m:.2f}" for m in sorted(tally.margins)[:WORST])
        told = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common())
        refused = tally.images - tally.taken
        typer.echo(f"| {seen} | {database} | {tally.images} | {refused} | {worst} | {told} |")


if __name__ == "__main__":
    typer.run(main)
