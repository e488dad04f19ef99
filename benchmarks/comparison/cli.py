"""The command: build the sets or read them again, compare all pairs, print the table."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.accuracy.metrics import rates
from benchmarks.comparison.sets import KINDS, Kind, masters, prints_of
from interchange import Minutiae
from matcher_service.search import compare_prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(add_completion=False)
_COLUMNS = ("x", "y", "angle", "type", "quality")


def _read_masters(
    folder: Path | None, fingers: int, seed: int, on_done: Callable[[], None]
) -> list[Minutiae]:
    """Masters take a third of a second each, so they are kept where a cache is named."""
    path = None if folder is None else folder / f"masters-{fingers}-{seed}.npz"
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            tables = [kept[f"m{k}"] for k in range(fingers)]
            sizes = kept["sizes"]
        return [
            Minutiae.make(t[0], t[1], t[2], type=t[3], quality=t[4], width=int(w), height=int(h))
            for t, (w, h) in zip(tables, sizes, strict=True)
        ]
    made = masters(fingers, seed, on_done=on_done)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        tables = {f"m{k}": np.stack([getattr(m, c) for c in _COLUMNS]) for k, m in enumerate(made)}
        np.savez(path, allow_pickle=False, sizes=np.array([(m.width, m.height) for m in made]), **tables)
    return made


def measure(
    kind: Kind, own: list[Minutiae], impressions: int, seed: int, *, most: int, on_done: Callable[[int], None]
) -> dict[str, Any]:
    """One set's figures: EER and FNMR at FMR 0.1 %, in percent, and how many comparisons they rest on."""
    prints = prints_of(kind, own, impressions, seed)
    templates = [prepare(m) for _, m in prints]
    pairs = np.array(list(combinations(range(len(prints)), 2)))
    fingers = np.array([f for f, _ in prints])
    mates = fingers[pairs[:, 0]] == fingers[pairs[:, 1]]
    strangers = np.flatnonzero(~mates)
    if len(strangers) > most:
        strangers = np.random.default_rng(seed).choice(strangers, most, replace=False)
    chosen = np.concatenate([np.flatnonzero(mates), strangers])
    scores = np.empty(len(chosen))
    for k, pair in enumerate(chosen):
        scores[k] = compare_prepared(templates[pairs[pair, 0]], templates[pairs[pair, 1]])
        if k % 500 == 0:
            on_done(500)
    found = rates(scores, mates[chosen])
    return {
        "set": kind.name,
        "minutiae": round(float(np.mean([len(m) for _, m in prints])), 1),
        "genuine": int(mates.sum()),
        "impostor": len(strangers),
        "eer_percent": 100.0 * float(found.eer[0]),
        "fnmr1000_percent": 100.0 * float(found.fmr1000[0]),
    }


@app.command()
def main(  # noqa: PLR0917 - typer makes options of them
    fingers: Annotated[int, typer.Option(min=4, help="Synthetic fingers.")] = 60,
    impressions: Annotated[int, typer.Option(min=2, help="Touches of each finger.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the fingers and of their touches.")] = 7,
    most: Annotated[int, typer.Option(min=1000, help="Comparisons of strangers a set, at most.")] = 20_000,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps the fingers between runs.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="File to write the figures into.")] = None,
) -> None:
    """EER and FNMR at FMR 0.1 % on synthetic minutiae, one difficulty at a time.

    Example: python -m benchmarks.comparison --fingers 60 --cache /tmp/comparison
    """
    console = Console()
    with Progress(console=console) as progress:
        growing = progress.add_task("growing fingers", total=fingers)
        own = _read_masters(cache, fingers, seed, lambda: progress.advance(growing))
        progress.update(growing, completed=fingers)
        mates = fingers * impressions * (impressions - 1) // 2
        each = mates + min(most, (fingers * impressions) ** 2 // 2 - mates)
        comparing = progress.add_task("comparing", total=len(KINDS) * each)
        rows = [
            measure(kind, own, impressions, seed, most=most, on_done=lambda n: progress.advance(comparing, n))
            for kind in KINDS
        ]
        progress.update(comparing, completed=len(KINDS) * each)
    table = Table("set", "minutiae", "genuine", "impostor", "EER %", "FNMR at FMR 0.1 %")
    for row in rows:
        table.add_row(
            row["set"],
            f"{row['minutiae']:.0f}",
            f"{row['genuine']:,}",
            f"{row['impostor']:,}",
            f"{row['eer_percent']:.2f}",
            f"{row['fnmr1000_percent']:.2f}",
        )
    console.print(table)
    if json_path is not None:
        json_path.write_text(json.dumps({"fingers": fingers, "seed": seed, "sets": rows}, indent=2) + "\n")
