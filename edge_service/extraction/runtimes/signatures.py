"""What both runtimes share: a TFLite interpreter whose signatures are the network at several input shapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_service.extraction.errors import ModelRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

CHANNELS = 7
_NAME = re.compile(r"s(\d+)x(\d+)")


class SignatureNetwork:
    """Runs the signature that fits the image; each is prepared when it is first asked for."""

    def __init__(self, make: Callable[..., Any], path: Path, *, threads: int) -> None:
        try:
            self._interpreter = make(model_path=str(path), num_threads=threads)
            signatures: dict[str, Any] = self._interpreter.get_signature_list()
        except (ValueError, RuntimeError, OSError) as error:
            raise ModelRefused(path, f"cannot be read ({error})") from error
        matches = [m for m in map(_NAME.fullmatch, signatures) if m]
        self.shapes = tuple(sorted((int(m[1]), int(m[2])) for m in matches))
        if not self.shapes:
            raise ModelRefused(path, f"holds no input shapes, only {sorted(signatures)}")
        self._runners: dict[tuple[int, int], Any] = {}

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (h, w) of one of `shapes` to float32 (h / 4, w / 4, 7)."""
        h, w = image.shape
        if (h, w) not in self._runners:
            self._runners[h, w] = self._interpreter.get_signature_runner(f"s{h}x{w}")
        outputs = self._runners[h, w](args_0=image.astype(np.float32)[None, :, :, None])
        (output,) = outputs.values()
        return output[0]
