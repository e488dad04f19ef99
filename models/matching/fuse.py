"""`python -m models.matching.fuse DIR...`: fit the weights of the fused score, each database left out in turn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from benchmarks.accuracy.metrics import rates
from benchmarks.comparison.skin import distorted
from matcher_service.search import parameters as p
from matcher_service.search import prepare
from matcher_service.search.compare import partial_scores
from matcher_service.search.features import FEATURES, PAIRED, features, total
from models.matching.calibrate_scores import WHOLE, WINDOW, choose_pairs, read_prints
from models.matching.fuse_fit import Fused, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from interchange import Minutiae

WEIGHTS_FILE = Path(__file__).parents[2] / "matcher_service/search/fusion_weights.py"
DRAGS_PX = (0.0, 10.0, 18.0)  # of the distortion laid over the prints; 0 leaves them as they are
SEED = 7


def _measured(
    minutiae: Sequence[Minutiae], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (n, k), all NaN where too few minutiae were paired, and today's scores (n,)."""
    templates = [prepare(m) for m in minutiae]
    found, scores = np.full((len(pairs), FEATURES), np.nan), np.zeros(len(pairs))
    for k, (i, j) in enumerate(pairs):
        a, b = templates[i], templates[j]
        parts = partial_scores(a, b, np.empty(len(a.x), np.int64), np.zeros(3))
        if parts[PAIRED] >= p.LEAST_PAIRS:
            found[k] = features(parts)
            scores[k] = total(parts)
    return found, scores


def _row(name: str, scores: NDArray[np.float64], mates: NDArray[np.bool_]) -> str:
    found = rates(scores, mates)
    return f"{name}: EER {100 * found.eer[0]:.2f} %, FNMR at FMR 0.1 % {100 * found.fmr1000[0]:.2f} %"


def _source(fused: Fused, usual: NDArray[np.float64]) -> str:
    lines = [
        '"""Weights of the fused score. Written by `python -m models.matching.fuse`; do not edit."""',
        "",
    ]
    lines += ["from __future__ import annotations", "", f"BIAS = {fused.bias:.6g}"]
    for name, values in (("WEIGHTS", fused.weights), ("USUAL", usual)):
        lines += [f"{name} = (", *(f"    {float(f'{v:.6g}')!r}," for v in values), ")"]
    return "\n".join([*lines, ""])


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders of <finger>_<impression> images.")],
    extractor: Annotated[list[str] | None, typer.Option(help="leader, mindtct, whorl; all three.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Cache of extractions, as benchmarks.accuracy's.")
    ] = None,
    most: Annotated[int, typer.Option(help="Comparisons of strangers a source and distortion.")] = 20_000,
    write: Annotated[bool, typer.Option(help="Write matcher_service/search/fusion_weights.py.")] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Fit the fused score's weights and judge them by databases that had no part in them.

    Example: python -m models.matching.fuse shared/data/dev shared/data/train --cache /tmp/prints --write
    """
    rng = np.random.default_rng(SEED)
    names = extractor or ["leader", "mindtct", "whorl"]
    sets = read_prints(folders, names, [WHOLE, WINDOW], cache=cache)
    x: list[NDArray[np.float64]] = []
    now: list[NDArray[np.float64]] = []
    mates: list[NDArray[np.bool_]] = []
    database: list[NDArray[np.int64]] = []
    label: list[NDArray[np.int64]] = []
    titles: list[str] = []
    for prints in sets:
        pairs = choose_pairs(prints, most, across=False)
        for drag in DRAGS_PX if "leader" in prints.source else DRAGS_PX[:1]:
            bent = [distorted(m, rng, drag) if drag else m for m in prints.minutiae]
            found, scores = _measured(bent, pairs)
            x.append(found)
            now.append(scores)
            mates.append(prints.finger[pairs[:, 0]] == prints.finger[pairs[:, 1]])
            database.append(prints.database[pairs[:, 0]])
            label.append(np.full(len(pairs), len(titles)))
            titles.append(f"{prints.source}, dragged {drag:g} px")
            typer.echo(f"{titles[-1]}: {len(pairs)} comparisons")
    every, same, where, what = (np.concatenate(c) for c in (x, mates, database, label))
    judged = np.full(len(every), -1e9)
    known = np.isfinite(every[:, 0])
    for one in np.unique(where):
        taught, asked = known & (where != one), known & (where == one)
        judged[asked] = fit(every[taught], same[taught]).log_odds(every[asked])
    for number, title in enumerate(titles):
        chosen = what == number
        typer.echo(_row(f"{title}, as it is", np.concatenate(now)[chosen], same[chosen]))
        typer.echo(_row(f"{title}, its database left out", judged[chosen], same[chosen]))
    if write:
        usual = np.median(every[known & ~same], axis=0)
        WEIGHTS_FILE.write_text(_source(fit(every[known], same[known]), usual))
        typer.echo(f"written to {WEIGHTS_FILE}")


if __name__ == "__main__":
    typer.run(main)
