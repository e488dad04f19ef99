"""From a checkpoint to .tflite files, in float32, float16 and int8: one signature an input shape, weights shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from edge_service.extraction.parameters import SHAPES_PX
from models.training.network import MinutiaeNet
from models.training.parameters import Recipe
from models.training.quantise import to_float16, to_int8

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DEFAULT = Recipe()
# of any output, against torch in float32, on noise: float16 weights give about 0.01, int8 about 1
LARGEST_DIFFERENCE = {"float16": 0.05, "int8": 4.0}


class Made(NamedTuple):
    """A converted model and the largest difference of any output from torch, on noise."""

    path: Path
    difference: float


class Deployed(nn.Module):
    """The network as it ships: float32 grey levels (1, h, w, 1), 0 to 255, to (1, h / 4, w / 4, 7)."""

    def __init__(self, net: MinutiaeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> Tensor:
        """Grey levels in, raw output planes out, channels last."""
        return self.net((1.0 - grey / 255.0).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def convert(
    checkpoint: Path, folder: Path, prints: Sequence[NDArray[np.uint8]], recipe: Recipe = DEFAULT
) -> dict[str, Made]:
    """Write `<checkpoint>.float16.tflite` and `<checkpoint>.int8.tflite` into a folder; by precision.

    Args:
        checkpoint: weights of `MinutiaeNet`.
        folder: where the files go.
        prints: images for the ranges of int8.
        recipe: what the network was made by.

    Raises:
        ValueError: a converted model differs from torch by more than its precision explains.
    """
    import litert_torch  # pyright: ignore[reportMissingImports]

    net = MinutiaeNet(recipe).eval()
    net.load_state_dict(torch.load(checkpoint, weights_only=True))
    deployed = Deployed(net).eval()
    maker = litert_torch
    for h, w in SHAPES_PX:
        maker = maker.signature(f"s{h}x{w}", deployed, (torch.zeros(1, h, w, 1),))
    full = folder / f"{checkpoint.stem}.float32.tflite"
    maker.convert().export(str(full))
    made: dict[str, Made] = {}
    for kind, allowed in LARGEST_DIFFERENCE.items():
        target = folder / f"{checkpoint.stem}.{kind}.tflite"
        if kind == "int8":
            to_int8(full, target, prints)
        else:
            to_float16(full, target)
        made[kind] = Made(target, check(deployed, target))
        if made[kind].difference > allowed:
            raise ValueError(f"{target} differs from torch by {made[kind].difference:.3f}")
    full.unlink()
    return made


def check(deployed: Deployed, target: Path) -> float:
    """Largest difference between the .tflite and torch over all shapes."""
    from edge_service.extraction.runtimes import load_network

    network = load_network(target, threads=1)
    rng = np.random.default_rng(0)
    worst = 0.0
    for shape in network.shapes:
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        with torch.no_grad():
            expected = deployed(torch.from_numpy(image.astype(np.float32))[None, :, :, None])[0].numpy()
        worst = max(worst, float(np.abs(network.run(image) - expected).max()))
    return worst
