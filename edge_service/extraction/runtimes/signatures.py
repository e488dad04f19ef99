"""What both runtimes share: a TFLite interpreter whose signatures are the network at several input shapes."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_service.extraction.errors import ModelRefused
from edge_service.extraction.native_stderr import without_lines
from edge_service.extraction.parameters import OUTPUT_CHANNELS, STRIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge_service.extraction.runtimes.model_file import ModelFile

_NAME = re.compile(r"s(\d+)x(\d+)")
_NOTE = b"INFO: "
# what the runtimes raise for a file or a graph that they cannot take
_NATIVE_ERRORS = (ValueError, RuntimeError, OSError)


class SignatureNetwork:
    """Runs the signature that fits the image. May be shared by threads; they take turns."""

    def __init__(self, make: Callable[..., Any], model: ModelFile, *, threads: int) -> None:
        self._path = model.path
        try:
            with without_lines(_NOTE):
                self._interpreter = make(model_content=model.content, num_threads=threads)
                # planned here already, so that a graph that this runtime cannot run is refused at the start
                self._interpreter.allocate_tensors()
            signatures: dict[str, Any] = self._interpreter.get_signature_list()
            found = {
                (int(m[1]), int(m[2])): self._interpreter.get_signature_runner(m[0])
                for m in map(_NAME.fullmatch, signatures)
                if m
            }
        except _NATIVE_ERRORS as error:
            raise ModelRefused(model.path, f"cannot be used ({_one_line(error)})") from error
        if not found:
            raise ModelRefused(model.path, f"holds no input shapes, only the signatures {sorted(signatures)}")
        self._runners = dict(sorted(found.items()))
        self._inputs = {shape: self._input_of(shape) for shape in self._runners}
        self.shapes = tuple(self._runners)
        self._turn = threading.Lock()  # an interpreter has one set of tensors

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (h, w) of one of `shapes` to float32 (h / 4, w / 4, 7). Raises `ModelRefused` if it breaks down."""
        h, w = image.shape
        grey = {self._inputs[h, w]: image.astype(np.float32)[None, :, :, None]}
        try:
            with self._turn:
                outputs = self._runners[h, w](**grey)
        except _NATIVE_ERRORS as error:
            raise ModelRefused(self._path, f"does not run ({_one_line(error)})") from error
        (output,) = outputs.values()
        if not np.isfinite(output).all():
            raise ModelRefused(self._path, "gives infinite numbers; its weights are damaged")
        return output[0]

    def _input_of(self, shape: tuple[int, int]) -> str:
        """Name of a signature's input, once it is sure that input and output are what this project's have."""
        h, w = shape
        runner = self._runners[shape]
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        taken = [(tuple(map(int, d["shape"])), d["dtype"]) for d in inputs.values()]
        given = [(tuple(map(int, d["shape"])), d["dtype"]) for d in outputs.values()]
        if taken != [((1, h, w, 1), np.float32)] or given != [
            ((1, h // STRIDE_PX, w // STRIDE_PX, OUTPUT_CHANNELS), np.float32)
        ]:
            raise ModelRefused(
                self._path, f"is no minutiae network: signature s{h}x{w} takes {taken} and gives {given}"
            )
        return next(iter(inputs))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
