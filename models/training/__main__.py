"""`python -m models.training`: teach, choose, convert, and write the card. `make model` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.training import parameters as p


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of PNG prints to learn from, one subfolder a set.")],
    teacher: Annotated[Path, typer.Option(help="The teacher's cached views of them.")],
    run: Annotated[Path, typer.Option(help="Where checkpoints and the log go; goes on where it stopped.")],
    steps: Annotated[int, typer.Option(min=100, help="Batches in all.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of weights and augmentation.")] = 1,
    dev: Annotated[Path | None, typer.Option(help="Development databases to choose on.")] = None,
    target: Annotated[Path, typer.Option(help="The model file to write.")] = Path("models/minutiae.tflite"),
    last: Annotated[int, typer.Option(min=1, help="How many of the last checkpoints to choose from.")] = 4,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Teach the minutiae network from a folder of prints and their teacher's views."""
    import torch

    from models.training.card import write
    from models.training.choose import judge
    from models.training.convert import convert
    from models.training.examples import load, names_below
    from models.training.network import MinutiaeNet, multiply_accumulates
    from models.training.train import train

    torch.set_num_threads(threads)
    examples = load(data, teacher, names_below(data), p.TEACHER_VIEWS)
    if not examples:
        raise typer.BadParameter(
            f"no PNG below {data} has a view in {teacher}; run models.training.with_teacher"
        )
    train(examples=examples, run=run, steps=steps, seed=seed)
    best = None
    for checkpoint in sorted(run.glob("ema-*.pt"))[-last:] if dev else sorted(run.glob("ema-*.pt"))[-1:]:
        candidate = run / f"{checkpoint.stem}.tflite"
        difference = convert(checkpoint, candidate)
        choice = judge(candidate, dev) if dev else None
        if choice is not None:
            print(f"{candidate.name}: mean EER {choice.mean:.3f} % {choice.by_database}")
        if best is None or (choice is not None and best[1] is not None and choice.mean < best[1].mean):
            best = (candidate, choice, difference)
    assert best is not None
    candidate, choice, difference = best
    target.write_bytes(candidate.read_bytes())
    sets = sorted({e.name.rsplit("/", 1)[0] for e in examples})
    views = {v: len(list(teacher.glob(f"*.{v}.npz"))) for v in p.TEACHER_VIEWS}
    facts = {
        "checkpoint": candidate.stem,
        "parameters": sum(w.numel() for w in MinutiaeNet().parameters()),
        "gmac": multiply_accumulates(MinutiaeNet(), 288, 256) / 1e9,
        "shapes": ", ".join(f"{h} x {w}" for h, w in _shapes()),
        "images": len(examples),
        "sets": len(sets),
        "set_list": ", ".join(sets),
        "view_list": ", ".join(f"{name} of {count:,}" for name, count in views.items() if count),
        "steps": steps,
        "crops": steps * p.BATCH,
        "seed": seed,
    }
    write(model=target, facts=facts, choice=choice, difference=difference)
    print(f"wrote {target}, its card and its facts, from {candidate.stem}")


def _shapes() -> tuple[tuple[int, int], ...]:
    from edge_service.extraction.parameters import SHAPES_PX

    return SHAPES_PX


if __name__ == "__main__":
    typer.run(main)
