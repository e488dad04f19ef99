"""The network in fewer bits: int8 throughout, or float16 weights.

int8 keeps two things in float: the scaling of the grey levels before the first convolution, and the last 1 x 1
convolution, whose seven planes have ranges too different for one scale (a logit of 10 beside a cosine). Together
they are 2 % of the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import frames
from edge_service.extraction.parameters import SHAPES_PX
from models.training import parameters as p

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HEAD = ".*_output.*"  # the exported name of the last convolution's result


def to_float16(source: Path, target: Path) -> None:
    """Weights in float16, arithmetic in float32."""
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
    _shorten_names(target)


def to_int8(source: Path, target: Path, prints: Sequence[NDArray[np.uint8]]) -> None:
    """Weights (a scale a channel) and activations (a scale a tensor) in int8 (Jacob et al., CVPR 2018, section 2).

    Args:
        source: the network in float32.
        target: the file to write.
        prints: images that the ranges of the activations are taken from.
    """
    from ai_edge_quantizer import qtyping, quantizer, recipe_manager  # pyright: ignore[reportMissingImports]
    from ai_edge_quantizer.algorithm_manager import AlgorithmName  # pyright: ignore[reportMissingImports]

    recipe = recipe_manager.RecipeManager()
    operation = qtyping.TFLOperationName
    recipe.add_static_config(
        regex=".*", operation_name=operation.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8
    )
    in_float = [(".*", o) for o in (operation.INPUT, operation.OUTPUT, operation.MUL, operation.SUB)]
    for pattern, kind in [*in_float, (HEAD, operation.ALL_SUPPORTED)]:
        recipe.add_quantization_config(
            regex=pattern, operation_name=kind, algorithm_key=AlgorithmName.NO_QUANTIZE
        )
    work = quantizer.Quantizer(str(source))
    work.load_quantization_recipe(recipe.get_quantization_recipe())
    ranges = work.calibrate(calibration(source, prints))
    target.unlink(missing_ok=True)
    work.quantize(ranges).export_model(str(target))
    _shorten_names(target)


def calibration(source: Path, prints: Sequence[NDArray[np.uint8]]) -> dict[str, list[dict[str, np.ndarray]]]:
    """Inputs by signature: each print's middle at every shape, every other one in 16 grey levels."""
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(str(source)).get_signature_list()
    inputs: dict[str, list[dict[str, np.ndarray]]] = {}
    for h, w in SHAPES_PX:
        name = f"s{h}x{w}"
        (tensor,) = signatures[name]["inputs"]
        inputs[name] = []
        for k, image in enumerate(prints):
            at = max(0, (image.shape[0] - h) // 2), max(0, (image.shape[1] - w) // 2)
            piece = frames.cut(image, at, (h, w), frames.background(image))
            piece = (piece >> 4) * np.uint8(17) if k % 2 else piece
            inputs[name].append({tensor: piece.astype(np.float32)[None, :, :, None]})
    return inputs


def calibration_prints(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Evenly spread examples, as many as the ranges need."""
    return list(images[:: max(1, len(images) // p.CALIBRATION_PRINTS)])


def _shorten_names(model: Path) -> None:
    """Tensors are named by the modules that made them, 67 kB in all; numbers do."""
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils as files  # pyright: ignore[reportMissingImports]

    content = files.read_model(str(model))
    for graph in content.subgraphs:
        for number, tensor in enumerate(graph.tensors):
            tensor.name = str(number).encode()
    files.write_model(content, str(model))
