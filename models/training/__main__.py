"""`python -m models.training`: teach, choose, convert, and write the card. `make model` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.training import parameters as p

if TYPE_CHECKING:
    from models.training.example import Example
    from models.training.precision import Candidate


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of PNG prints to learn from, one subfolder a set.")],
    teacher: Annotated[Path, typer.Option(help="The teacher's cached views of them.")],
    run: Annotated[Path, typer.Option(help="Where checkpoints and the log go; goes on where it stopped.")],
    steps: Annotated[int, typer.Option(min=100, help="Batches in all.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of weights and augmentation.")] = 1,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint to start from; random weights without.", exists=True)
    ] = None,
    dev: Annotated[Path | None, typer.Option(help="Development databases to choose on.")] = None,
    target: Annotated[Path, typer.Option(help="The model file to write.")] = Path("models/minutiae.tflite"),
    last: Annotated[int, typer.Option(min=1, help="How many of the last checkpoints to choose from.")] = 4,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    model_version: Annotated[str, typer.Option(help="Version that the card gives the model.")] = "0.0",
) -> None:
    """Teach the minutiae network from a folder of prints and their teacher's views.

    Stopped at any time, it goes on where its last checkpoint was. Draws its curves into the run's folder.

    Example: python -m models.training --data train --teacher runs/teacher --run runs/model --dev fvc2002
    """
    import torch

    from models.training.card import write
    from models.training.curves import draw
    from models.training.precision import best, made_of, table
    from models.training.study import gather
    from models.training.train import train

    torch.set_num_threads(threads)
    recipe = p.Recipe()
    examples = gather(data, teacher, recipe, run / "synthetic")
    if all(e.exact for e in examples):
        raise typer.BadParameter(
            f"no PNG below {data} has a view in {teacher}; run models.training.with_teacher"
        )
    train(examples=examples, run=run, steps=steps, seed=seed, recipe=recipe, start=start)
    draw(run / "log.jsonl", run / "curves.png")
    checkpoints = sorted(run.glob("ema-*.pt"))
    found: list[Candidate] = []
    for checkpoint in checkpoints[-last:] if dev else checkpoints[-1:]:
        found += made_of(checkpoint, run, examples, dev)
        print(table(found))
    chosen = best(found)
    target.write_bytes(chosen.path.read_bytes())
    write(
        model=target,
        facts=facts_of(examples, teacher=teacher, steps=steps, seed=seed) | {"checkpoint": chosen.checkpoint},
        choice=chosen.choice,
        difference=chosen.difference,
        model_version=model_version,
        precision=chosen.precision,
    )
    print(f"wrote {target}, its card and its facts, from {chosen.path.name}; curves in {run / 'curves.png'}")


def facts_of(examples: list[Example], *, teacher: Path, steps: int, seed: int) -> dict[str, Any]:
    """What the card tells of the training."""
    from models.training.network import MinutiaeNet, multiply_accumulates

    real = [e for e in examples if not e.exact]
    sets = sorted({e.name.rsplit("/", 1)[0] for e in real})
    views = {v: len(list(teacher.glob(f"*.{v}.npz"))) for v in p.TEACHER_VIEWS}
    return {
        "parameters": sum(w.numel() for w in MinutiaeNet().parameters()),
        "gmac": multiply_accumulates(MinutiaeNet(), 288, 256) / 1e9,
        "images": len(real),
        "sets": len(sets),
        "set_list": ", ".join(sets),
        "synthetic_images": len(examples) - len(real),
        "synthetic_share": p.SYNTHETIC_SHARE,
        "view_list": ", ".join(f"{name} of {count:,}" for name, count in views.items() if count),
        "steps": steps,
        "crops": steps * p.BATCH,
        "seed": seed,
    }


if __name__ == "__main__":
    typer.run(main)
