"""The command ``python -m models.matching.calibrate``: fit what scores mean, and write it where the program reads it.

To be run again whenever the score changes; a test says when. `score_samples` are what it goes by.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.accuracy.errors import BenchmarkError
from benchmarks.accuracy.session import progress_bars
from interchange import Minutiae
from matcher_service.search import compare
from matcher_service.search.calibration import FILE, VERSION
from models.matching.calibrate_fit import REPLICATES, Fitted, fit
from models.matching.calibrate_scores import WHOLE, WINDOW, PairScores, choose_pairs, read_prints, score_pairs
from models.synthetic.crowd import stranger

if TYPE_CHECKING:
    from models.matching.calibrate_scores import Prints

MODEL_CARD = Path(__file__).parents[1] / "minutiae.json"
SAMPLES = 12  # simulated pairs of each kind by which a changed score is noticed
EXTRACTORS = ("whorl", "leader", "mindtct")

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders of FINGER_IMPRESSION images, each a database."),
    ],
    *,
    extractor: Annotated[
        list[str] | None,
        typer.Option(help=f"What finds the minutiae; may be repeated. Default: {EXTRACTORS}."),
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep the peers' minutiae in this folder.")] = None,
    most: Annotated[
        int, typer.Option("--pairs", help="Strangers' pairs compared for each extractor and condition.")
    ] = 250_000,
    out: Annotated[Path, typer.Option("-o", help="Where to write the calibration.")] = FILE,
) -> None:
    """Fit the false match rate and the likelihood ratio of a score, to whole prints and to the sensor's window.

    **For example**

    `python -m models.matching.calibrate prints/train --cache /tmp/minutiae`

    `python -m models.matching.calibrate prints/train --extractor whorl -o trial.json`
    """
    names = tuple(extractor or EXTRACTORS)
    try:
        taken = read_prints(folders, names, (WHOLE, WINDOW), cache=cache)
    except BenchmarkError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    pairs = compare_all(taken, most)
    with progress_bars() as bars:
        task = bars.add_task("fitting", total=REPLICATES)
        fitted = fit(pairs, taken[0].finger_names, on_done=lambda: bars.advance(task))
    write(out, fitted, taken)
    typer.echo(
        f"{out}: {fitted.strangers:,} pairs of strangers, {fitted.genuine:,} of one finger; "
        f"tail beyond 1 in {1 / fitted.tail.share:.0f} of shape {fitted.tail.shape:.2f}; "
        f"{len(fitted.sameness)} fingers are there under two names"
    )


def compare_all(taken: list[Prints], most: int | None, *, across: bool = True) -> PairScores:
    """Scores of the chosen pairs of each set of prints, with a bar."""
    chosen = [choose_pairs(prints, most, across=across) for prints in taken]
    parts: list[PairScores] = []
    with progress_bars() as bars:
        for prints, pairs in zip(taken, chosen, strict=True):
            task = bars.add_task(f"comparing, {prints.source}", total=len(pairs))
            parts.append(score_pairs(prints, pairs, on_done=lambda n, t=task: bars.advance(t, n)))
    return PairScores.joined(parts)


def write(path: Path, fitted: Fitted, taken: list[Prints]) -> None:
    """Write a fit as the program reads it."""
    made = fitted.calibration
    names = taken[0].finger_names
    tree: dict[str, Any] = {
        "version": VERSION,
        "standard": {
            "features": [
                "1",
                "log(minutiae a x minutiae b / 2500)",
                "agreement a x agreement b, each 0 or more",
            ],
            "low": made.low.round(6).tolist(),
            "high": made.high.round(6).tolist(),
            "least_span": round(made.least_span, 6),
        },
        "tail": {k: round(v, 6) for k, v in fitted.tail._asdict().items()},
        "table": {
            "z": made.z.round(6).tolist(),
            "log10_fmr": made.log10_fmr.round(4).tolist(),
            "log10_fmr_low": made.log10_fmr_low.round(4).tolist(),
            "log10_fmr_high": made.log10_fmr_high.round(4).tolist(),
            "llr": made.llr.round(4).tolist(),
        },
        "provenance": {
            "prints": {p.source: len(p.minutiae) for p in taken},
            "databases": list(taken[0].database_names),
            "fingers": len(names),
            "strangers_pairs": fitted.strangers,
            "genuine_pairs": fitted.genuine,
            "left_out": sorted(f"{names[a]} is {names[b]}" for a, b in fitted.sameness),
            "extractor_sha256": _model_sha256(),
            "score_samples": [round(s, 4) for s in score_samples()],
        },
    }
    path.write_text(json.dumps(tree, indent=1) + "\n", encoding="ascii")


def score_samples() -> list[float]:
    """Scores of simulated pairs, strangers' and one finger's: as long as these are the same, so is the score."""
    scores: list[float] = []
    for k in range(SAMPLES):
        one, other = stranger(7000 + k), stranger(8000 + k)
        scores += [compare(one, other), compare(one, _again(one, k))]
    return scores


def _again(print_: Minutiae, seed: int) -> Minutiae:
    """The same print, seen once more: a third of it gone, the rest moved a little and turned."""
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(len(print_))[: 2 * len(print_) // 3])
    seen = print_.take(kept)
    return Minutiae.make(
        seen.x + rng.normal(0, 2.0, len(seen)),
        seen.y + rng.normal(0, 2.0, len(seen)),
        seen.angle + rng.normal(0, 0.1, len(seen)),
        type=seen.type,
        quality=seen.quality,
        width=print_.width,
        height=print_.height,
    )


def _model_sha256() -> str:
    model = MODEL_CARD.with_suffix(".tflite")
    return hashlib.sha256(model.read_bytes()).hexdigest()


if __name__ == "__main__":
    app()
