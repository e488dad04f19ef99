"""What both runtimes share: a TFLite interpreter whose signatures are the network at several input shapes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_service.extraction.errors import ModelRefused
from edge_service.extraction.native_stderr import without_lines
from edge_service.extraction.parameters import OUTPUT_CHANNELS, STRIDE_PX
from edge_service.extraction.runtimes.tensors import decoder, encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge_service.extraction.runtimes.model_file import ModelFile
    from edge_service.extraction.runtimes.tensors import Decoder, Encoder

_NAME = re.compile(r"s(\d+)x(\d+)")
_NOTE = b"INFO: "
# what the runtimes raise for a file or a graph that they cannot take
_NATIVE_ERRORS = (ValueError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class _Signature:
    """The network at one input shape: how to call it, and what its tensors hold."""

    run: Callable[..., dict[str, NDArray[Any]]]
    input_name: str
    encode: Encoder
    decode: Decoder


class SignatureNetwork:
    """Runs the signature that fits the image. May be shared by threads; they take turns.

    Raises ModelRefused for a file that is no minutiae network, ImportError for a runtime that is itself broken.
    """

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
        except SystemError as error:
            # tflite-runtime 2.14, built for numpy 1, imports under numpy 2 and only breaks down here
            reason = error if error.__cause__ is None else error.__cause__
            raise ImportError(_one_line(reason)) from error
        except _NATIVE_ERRORS as error:
            raise ModelRefused(model.path, f"cannot be used ({_one_line(error)})") from error
        if not found:
            raise ModelRefused(model.path, f"holds no input shapes, only the signatures {sorted(signatures)}")
        self._signatures = {shape: self._checked(shape, found[shape]) for shape in sorted(found)}
        self.shapes = tuple(self._signatures)
        self._turn = threading.Lock()  # an interpreter has one set of tensors
        self._ran: set[tuple[int, int]] = set()

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (h, w) of one of `shapes` to float32 (h / 4, w / 4, 7). Raises `ModelRefused` if it breaks down."""
        signature = self._signatures[image.shape]  # pyright: ignore[reportArgumentType]
        self._ran.add(image.shape)  # pyright: ignore[reportArgumentType]
        grey = {signature.input_name: signature.encode(image)[None, :, :, None]}
        try:
            with self._turn:
                outputs = signature.run(**grey)
        except _NATIVE_ERRORS as error:
            raise ModelRefused(self._path, f"does not run ({_one_line(error)})") from error
        (output,) = outputs.values()
        real = signature.decode(output)
        if not np.isfinite(real).all():
            raise ModelRefused(self._path, "gives infinite numbers; its weights are damaged")
        return real[0]

    def forget(self) -> None:
        """Its tensors hold the last image of each shape for as long as there is no other: run it on an empty one."""
        for shape in tuple(self._ran):
            self.run(np.full(shape, 255, np.uint8))
        self._ran.clear()

    def _checked(self, shape: tuple[int, int], runner: Any) -> _Signature:  # noqa: ANN401 - native, without types
        """A signature, once it is sure that its input and output are what this project's networks have."""
        h, w = shape
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        taken = [tuple(map(int, d["shape"])) for d in inputs.values()]
        given = [tuple(map(int, d["shape"])) for d in outputs.values()]
        if taken != [(1, h, w, 1)] or given != [(1, h // STRIDE_PX, w // STRIDE_PX, OUTPUT_CHANNELS)]:
            raise ModelRefused(
                self._path, f"is no minutiae network: signature s{h}x{w} takes {taken} and gives {given}"
            )
        ((name, into),), (out,) = inputs.items(), outputs.values()
        try:
            return _Signature(runner, name, encoder(into), decoder(out))
        except ValueError as error:
            raise ModelRefused(
                self._path, f"is no minutiae network: in signature s{h}x{w}, {error}"
            ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
