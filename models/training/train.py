"""Teach the network: resumable, seeded, with a progress bar, a log and checkpoints to choose from."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.data import DataLoader, IterableDataset

from models.training import parameters as p
from models.training.augment import crop
from models.training.loss import losses
from models.training.negatives import negative
from models.training.network import MinutiaeNet, multiply_accumulates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.training.example import Example


DEFAULT = p.Recipe()


class Crops(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Endless batches of augmented crops; the stream depends only on the seed, the step and the worker."""

    def __init__(self, examples: list[Example], recipe: p.Recipe, seed: int, first_step: int) -> None:
        self.examples, self.recipe, self.seed, self.first_step = examples, recipe, seed, first_step
        self.weights = set_weights(examples, recipe.synthetic)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches: uint8 (B, 1, 192, 192) and float16 (B, 8, 48, 48)."""
        info = torch.utils.data.get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, self.first_step, worker])
        while True:
            pairs = []
            for _ in range(p.BATCH):
                if rng.random() < p.NEGATIVE_SHARE:
                    pairs.append(negative(rng))
                else:
                    chosen = self.examples[rng.choice(len(self.examples), p=self.weights)]
                    pairs.append(crop(chosen, rng, self.recipe))
            images, targets = zip(*pairs, strict=True)
            yield torch.from_numpy(np.stack(images)[:, None]), torch.from_numpy(np.stack(targets))


def set_weights(examples: list[Example], synthetic: float) -> np.ndarray:
    """Chance of each example: real sets count by the square root of their size, synthetic prints by their share."""
    sets = [e.name.rsplit("/", 1)[0] for e in examples]
    size = Counter(sets)
    weight = np.array([1.0 / math.sqrt(size[s]) for s in sets])
    exact = np.array([e.exact for e in examples])
    share = synthetic if (~exact).any() else 1.0
    for kind, part in ((exact, share), (~exact, 1.0 - share)):
        if kind.any():
            weight[kind] *= part / weight[kind].sum()
    return weight / weight.sum()


def rate(step: int, steps: int, peak: float = p.LEARNING_RATE) -> float:
    """Warm-up, then constant, then a linear descent to zero (Haegele et al., NeurIPS 2024)."""
    if step < p.WARMUP_STEPS:
        return peak * (step + 1) / p.WARMUP_STEPS
    start = steps * (1 - p.DECAY_SHARE)
    return peak * (1.0 if step < start else max(0.0, (steps - step) / (steps - start)))


def as_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels to the network's input: 0 = white, 1 = black."""
    return (1.0 - images.float() / 255.0).contiguous(memory_format=torch.channels_last)


def train(
    *,
    examples: list[Example],
    run: Path,
    steps: int,
    seed: int,
    recipe: p.Recipe = DEFAULT,
    start: Path | None = None,
    workers: int = 1,
    save_every: int = 1000,
) -> Path:
    """Train, or go on where `run` stopped; returns the path of the last checkpoint.

    Args:
        examples: real ones with the teacher's minutiae, synthetic ones with the truth.
        run: folder of the state, the checkpoints and the log.
        steps: batches in all.
        seed: of the weights and the crops.
        recipe: what the study varies.
        start: a checkpoint to start from, of this network or of one with fewer blocks; random weights without.
        workers: processes that make crops.
        save_every: batches between checkpoints.
    """
    run.mkdir(parents=True, exist_ok=True)
    state_path = run / "state.pt"
    torch.manual_seed(seed)
    net = MinutiaeNet(recipe).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(torch.load(start, weights_only=True), strict=False)
    peak = p.LEARNING_RATE if start is None else p.GROWN_LEARNING_RATE
    ema = {k: v.clone() for k, v in net.state_dict().items()}
    decayed = [w for w in net.parameters() if w.ndim > 1]
    plain = [w for w in net.parameters() if w.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": p.WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
        lr=peak,
    )
    done = 0
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        ema, done = state["ema"], state["step"]
    loader = DataLoader(
        Crops(examples, recipe, seed, done),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=6 if workers else None,
    )
    print(
        f"{len(examples)} images, {sum(w.numel() for w in net.parameters()):,} parameters, "
        f"{multiply_accumulates(MinutiaeNet(recipe), 288, 256) / 1e9:.3f} GMAC at 256x288, from step {done} to {steps}"
    )
    net.train()
    sums: dict[str, float] = {}
    since, counted = time.monotonic(), 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar, (run / "log.jsonl").open("a") as log:
        task = bar.add_task("training", total=steps, completed=done)
        for step, (images, targets) in enumerate(loader, start=done):
            if step >= steps:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps, peak)
            with torch.autocast("cpu", torch.bfloat16):
                output = net(as_input(images))
            parts = losses(output.float(), targets.float())
            total = torch.stack(list(parts.values())).sum()
            optimiser.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), p.GRADIENT_CLIP)
            optimiser.step()
            keep = min(p.EMA_DECAY, (1 + step) / (10 + step))
            with torch.no_grad():
                for name, value in net.state_dict().items():
                    if value.is_floating_point():
                        ema[name].lerp_(value, 1 - keep)
                    else:
                        ema[name].copy_(value)
            counted += 1
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + float(part.detach())
            if (step + 1) % 100 == 0:
                line = {
                    "step": step + 1,
                    "crops_per_s": round(counted * p.BATCH / (time.monotonic() - since), 1),
                }
                line |= {name: round(value / counted, 5) for name, value in sums.items()}
                log.write(json.dumps(line) + "\n")
                log.flush()
                bar.update(task, completed=step + 1, description=f"loss {sum(sums.values()) / counted:.3f}")
                sums, counted, since = {}, 0, time.monotonic()
            if (step + 1) % save_every == 0 or step + 1 == steps:
                _save(
                    state_path,
                    {
                        "net": net.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "ema": ema,
                        "step": step + 1,
                    },
                )
                _save(run / f"ema-{step + 1:06d}.pt", ema)
    return run / f"ema-{steps:06d}.pt"


def _save(path: Path, state: dict) -> None:  # pyright: ignore[reportMissingTypeArgument]
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
