"""Learn the index's sketches: ``python -m models.matching.sketch PAIRS.npz --out sketch.json``.

PAIRS.npz holds cylinders of the same minutiae in different impressions, as the comparison's own pairing found them
(``models.matching.sketch_pairs`` makes it of folders of prints). Learned is a linear map to 128 signs, the first 64
of them good alone: in a batch, a cylinder has to be nearest to its own mate among the mates of all the others
(InfoNCE, van den Oord, Li and Vinyals, arXiv 1807.03748, section 2.3), the signs softened by a hyperbolic tangent that
hardens as it goes on. Needs the `train` extra.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 1024
RATE = 4e-3
SHARPNESS = 22.0, 16.0  # of the choice among a batch: by all bits, by the first 64
FIRST_SHARE = 0.5  # weight of the first 64 bits' own loss
SIGN_SHARE = 0.02  # weight of what pulls the soft signs to -1 and 1
HIDDEN_CELLS, HIDDEN_PRINTS = (
    0.15,
    0.3,
)  # cells taken for unknown, as at a border; in so many of the cylinders


def signed(bits: NDArray[np.uint64], mask: NDArray[np.uint64]) -> NDArray[np.int8]:
    """Cylinders as int8 (n, sections * 64): 1 where a cell is set, -1 where it is known and not, else 0."""
    place = np.arange(64, dtype=np.uint64)
    known = ((mask[:, :1] >> place) & np.uint64(1)).astype(np.int8)
    sections = [
        ((bits[:, s : s + 1] >> place) & np.uint64(1)).astype(np.int8) * 2 - 1 for s in range(bits.shape[1])
    ]
    return np.concatenate([section * known for section in sections], axis=1)


def learn(
    one: NDArray[np.int8], other: NDArray[np.int8], *, bits: int, seconds: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (bits, inputs) and offsets (bits,) of the map; row i of `one` and of `other` are mates."""
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    first, second = torch.from_numpy(one), torch.from_numpy(other)
    sections = one.shape[1] // 64
    net = torch.nn.Linear(one.shape[1], bits)
    torch.nn.init.orthogonal_(net.weight)
    steps = torch.optim.Adam(net.parameters(), RATE)
    own = torch.arange(BATCH)

    def choice(u: torch.Tensor, v: torch.Tensor, sharpness: float) -> torch.Tensor:
        alike = (u @ v.T) * (sharpness / u.shape[1])
        return (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own)) / 2

    begun, step = time.monotonic(), 0
    while (share := (time.monotonic() - begun) / seconds) < 1.0:
        steps.param_groups[0]["lr"] = RATE * (1.0 - share) + 1e-5
        hardness = (1.0 + 4.0 * share) / 3.0
        drawn, swapped = torch.randint(len(first), (BATCH,)), torch.rand(BATCH, 1) < 0.5
        a, b = first[drawn].float(), second[drawn].float()
        a, b = torch.where(swapped, b, a), torch.where(swapped, a, b)
        hidden = (torch.rand(BATCH, 1) < HIDDEN_PRINTS) & (torch.rand(BATCH, 64) < HIDDEN_CELLS)
        a = a * (~hidden).float().repeat(1, sections)
        u, v = torch.tanh(hardness * net(a)), torch.tanh(hardness * net(b))
        loss = choice(u, v, SHARPNESS[0]) + FIRST_SHARE * choice(u[:, :64], v[:, :64], SHARPNESS[1])
        loss = loss + SIGN_SHARE * ((u.abs() - 1) ** 2).mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
        step += 1
        if step % 500 == 0:
            print(f"step {step}: loss {loss.item():.3f}, {share:.0%}", flush=True)  # noqa: T201 - training prints
    return net.weight.detach().numpy(), net.bias.detach().numpy()


def write(path: Path, weights: NDArray[np.float32], offset: NDArray[np.float32]) -> None:
    """The file that `matcher_service.search.sketch` reads: each bit's weights in a byte, for sums of whole numbers."""
    from matcher_service.search.sketch import cylinder_facts

    scale = 127.0 / np.abs(weights).max(axis=1, keepdims=True)
    kept = {
        "bits": len(offset),
        "cylinders": cylinder_facts(),
        "offset": np.rint(offset * scale[:, 0]).astype(int).tolist(),
        "weights": base64.b64encode(np.rint(weights * scale).astype(np.int8).tobytes()).decode("ascii"),
    }
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def main() -> None:
    """Read the pairs, learn, write."""
    reads = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reads.add_argument("pairs", type=Path, help="what models.matching.sketch_pairs wrote")
    reads.add_argument("--out", type=Path, required=True, help="where the weights go")
    reads.add_argument("--seconds", type=float, default=420.0, help="how long to learn")
    asked = reads.parse_args()
    with np.load(asked.pairs) as pairs:
        one = signed(pairs["one_bits"], pairs["one_mask"])
        other = signed(pairs["other_bits"], pairs["other_mask"])
    write(asked.out, *learn(one, other, bits=128, seconds=asked.seconds))


if __name__ == "__main__":
    main()
