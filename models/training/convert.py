"""From a checkpoint to the .tflite that ships: one signature an input shape, weights shared and in float16."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from edge_service.extraction.parameters import SHAPES_PX
from models.training.network import MinutiaeNet

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_DIFFERENCE = 0.05  # of any output, against torch in float32; float16 weights give about 0.003


class Deployed(nn.Module):
    """The network as it ships: float32 grey levels (1, h, w, 1), 0 to 255, to (1, h / 4, w / 4, 7)."""

    def __init__(self, net: MinutiaeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> Tensor:
        """Grey levels in, raw output planes out, channels last."""
        return self.net((1.0 - grey / 255.0).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def convert(checkpoint: Path, target: Path) -> float:
    """Write the .tflite; returns its largest difference to torch on noise. Raises ValueError if too large."""
    import litert_torch  # pyright: ignore[reportMissingImports]

    net = MinutiaeNet().eval()
    net.load_state_dict(torch.load(checkpoint, weights_only=True))
    deployed = Deployed(net).eval()
    maker = litert_torch
    for h, w in SHAPES_PX:
        maker = maker.signature(f"s{h}x{w}", deployed, (torch.zeros(1, h, w, 1),))
    full = target.with_suffix(".float32.tflite")
    maker.convert().export(str(full))
    _halve(full, target)
    full.unlink()
    return check(deployed, target)


def _halve(source: Path, target: Path) -> None:
    from ai_edge_quantizer import qtyping, quantizer  # pyright: ignore[reportMissingImports]
    from ai_edge_quantizer.algorithm_manager import AlgorithmName  # pyright: ignore[reportMissingImports]

    work = quantizer.Quantizer(str(source))
    work.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=16, dtype=qtyping.TensorDataType.FLOAT
            ),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key=AlgorithmName.FLOAT_CASTING,
    )
    target.unlink(missing_ok=True)
    work.quantize().export_model(str(target))


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
    if worst > LARGEST_DIFFERENCE:
        raise ValueError(f"the converted model differs from torch by {worst:.3f}")
    return worst
