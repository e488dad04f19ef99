"""`python -m models.training.study`: what each choice of the training is worth, by leaving it out.

Every variant is taught for the same short time from the same seed and judged as a model for shipping is, in three
conditions. Short runs rank choices by how soon they pay, not by where they end; the table says how short.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from models.training import parameters as p

if TYPE_CHECKING:
    from models.training.choose import Choice
    from models.training.example import Example

AS_SHIPPED = p.Recipe()
VARIANTS: dict[str, p.Recipe] = {
    "as shipped": AS_SHIPPED,
    "without the later blocks": replace(AS_SHIPPED, blocks=()),
    "two thirds of the width": replace(AS_SHIPPED, channels=(12, 24, 56, 88)),
    "wider by a quarter": replace(AS_SHIPPED, channels=(20, 40, 100, 160)),
    "no stride 16": replace(AS_SHIPPED, deep=False),
    "one view of the teacher": replace(AS_SHIPPED, views=("id",)),
    "no agreement of impressions": replace(AS_SHIPPED, agreement=False),
    "no synthetic prints": replace(AS_SHIPPED, synthetic=0.0),
    "synthetic prints alone": replace(AS_SHIPPED, synthetic=1.0),
    "no skin": replace(AS_SHIPPED, skin=False),
    "no sensor": replace(AS_SHIPPED, sensor=False),
    "no 16 levels": replace(AS_SHIPPED, levels=0.0),
}
CONDITIONS = ("whole", "window", "bad touch")


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of PNG prints to learn from.")],
    teacher: Annotated[Path, typer.Option(help="The teacher's cached views of them.")],
    dev: Annotated[Path, typer.Option(help="Development databases to judge on.")],
    run: Annotated[Path, typer.Option(help="Where runs and results go; what is there is not done again.")],
    steps: Annotated[int, typer.Option(min=100, help="Batches of each variant.")] = 1500,
    seed: Annotated[int, typer.Option(help="Of weights and crops, the same for all.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Name of a variant; may be repeated.")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Teach each variant for a short time and print a table of error rates.

    Example: python -m models.training.study --data train --teacher runs/teacher --dev fvc2002 --run runs/study
    """
    import torch

    torch.set_num_threads(threads)
    results = run / "results.json"
    known = json.loads(results.read_text()) if results.exists() else {}
    for name in only or VARIANTS:
        key = f"{name}, {steps} batches, seed {seed}"
        if key not in known:
            choice = _judged(name, data=data, teacher=teacher, dev=dev, run=run, steps=steps, seed=seed)
            known[key] = {"eer": choice.by_database, "fnmr": choice.fnmr}
            results.write_text(json.dumps(known, indent=1) + "\n")
        print(_row(name, known[key]), flush=True)
    print("\n" + table(known))


def _judged(name: str, *, data: Path, teacher: Path, dev: Path, run: Path, steps: int, seed: int) -> Choice:
    from models.training.choose import judge
    from models.training.convert import convert
    from models.training.quantise import calibration_prints
    from models.training.train import train

    recipe = VARIANTS[name]
    examples = gather(data, teacher, recipe, run / "synthetic")
    folder = run / name.replace(" ", "-")
    checkpoint = train(
        examples=examples, run=folder, steps=steps, seed=seed, recipe=recipe, workers=0, save_every=steps
    )
    made = convert(checkpoint, folder, calibration_prints([e.image for e in examples]), recipe)
    return judge(made["int8"].path, dev, conditions=CONDITIONS, quiet=True)


def gather(data: Path, teacher: Path, recipe: p.Recipe, synthetic: Path) -> list[Example]:
    """The examples that a recipe asks for: real ones from `data`, synthetic ones kept in a folder."""
    real = _real(data, teacher, recipe.views, agreement=recipe.agreement) if recipe.synthetic < 1.0 else []
    return real + (_synthetic(synthetic) if recipe.synthetic > 0.0 else [])


@lru_cache(maxsize=1)
def _real(data: Path, teacher: Path, views: tuple[str, ...], *, agreement: bool) -> list[Example]:
    from models.training.agreement import agreed
    from models.training.examples import load, names_below

    real = load(data, teacher, names_below(data), views)
    if not agreement:
        return real
    return agreed(real, on_set=lambda name: print(f"laying the impressions of {name} over each other"))


@lru_cache(maxsize=1)
def _synthetic(folder: Path) -> list[Example]:
    from models.training.made_up import synthetic_examples

    return synthetic_examples(folder)


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown: mean EER and pooled FNMR at FMR 0.1 % of every variant and condition."""
    lines = [
        "| variant | " + " | ".join(f"{c}: EER, FNMR" for c in CONDITIONS) + " |",
        "|---" * (1 + len(CONDITIONS)) + "|",
    ]
    return "\n".join(lines + [_row(name, found) for name, found in results.items()])


def _row(name: str, found: dict[str, dict[str, dict[str, float]]]) -> str:
    cells = [
        f"{sum(found['eer'][c].values()) / len(found['eer'][c]):.2f}, {found['fnmr'][c]:.2f}"
        for c in CONDITIONS
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(main)
