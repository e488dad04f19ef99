"""What can go wrong on the way from an image to minutiae."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ExtractionError(Exception):
    """Base of everything that the extraction raises on purpose."""


class ImageRefused(ExtractionError):  # noqa: N818 - said as an officer would
    """The image cannot be what a sensor delivers.

    Attributes:
        fault: what is wrong with it.
        remedy: what to do about it.
        path: the file that it was read from, if it was.
    """

    def __init__(self, fault: str, remedy: str, *, path: Path | None = None) -> None:
        self.fault = fault
        self.remedy = remedy
        self.path = path
        where = "" if path is None else f"{path}: "
        super().__init__(f"{where}{fault}; {remedy}")


class ModelRefused(ExtractionError):  # noqa: N818 - the same
    """The model file is missing, broken or not one of ours.

    Attributes:
        path: the file.
    """

    def __init__(self, path: object, fault: str) -> None:
        self.path = path
        super().__init__(f"model {path}: {fault}; run `make model`, or restore models/minutiae.tflite")


class RuntimeMissing(ExtractionError):  # noqa: N818 - the same
    """No TensorFlow Lite runtime can be loaded.

    Attributes:
        tried: module name and error of each runtime that was tried.
    """

    def __init__(self, tried: dict[str, str]) -> None:
        self.tried = tried
        reasons = "; ".join(f"{name}: {why}" for name, why in tried.items())
        super().__init__(
            "no TensorFlow Lite runtime could be loaded. Install one with `pip install ai-edge-litert` "
            f"(or `pip install tflite-runtime` on Python 3.11). Tried: {reasons}"
        )
