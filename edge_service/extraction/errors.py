"""What can go wrong on the way from an image to minutiae."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

MAINTAINED = "ai-edge-litert"  # the runtime that is asked for first
# what it has wheels for, of the machines and Pythons that this project supports
WHEELS_FOR_MACHINES = frozenset({"x86_64", "aarch64"})
WHEELS_FOR_PYTHONS = ((3, 11), (3, 13))


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
    """The model file is missing, broken, not one of ours, or not the one of its card.

    Attributes:
        path: the model's file, or its card's where that is at fault.
        fault: what is wrong with it.
    """

    def __init__(self, path: object, fault: str) -> None:
        self.path = path
        self.fault = fault
        super().__init__(
            f"model {path}: {fault}; restore models/minutiae.tflite and models/minutiae.json together "
            "from the release, or run `make model`"
        )


class RuntimeMissing(ExtractionError):  # noqa: N818 - the same
    """No TensorFlow Lite runtime can be loaded.

    Attributes:
        tried: name and error of each runtime that was tried, in order.
        broken: names of those that are installed and cannot be loaded.
    """

    def __init__(self, tried: Mapping[str, str], *, broken: Collection[str] = ()) -> None:
        self.tried = dict(tried)
        self.broken = tuple(broken)
        pip = f"{sys.executable} -m pip install"
        why = {name: " ".join(self.tried[name].split()) for name in self.broken}
        reasons = "; ".join(why.values() if len(why) == 1 else (f"{n}: {w}" for n, w in why.items()))
        if MAINTAINED in self.broken:
            message = (
                f"{MAINTAINED} is installed but cannot be loaded ({reasons}). Install it anew with "
                f"`{pip} --force-reinstall {MAINTAINED}`; if the reason names a library of the system, "
                "install that with apt"
            )
        elif self.broken:
            message = (
                f"{self.broken[0]} is installed but cannot be loaded ({reasons}). Install the maintained "
                f"runtime beside it: `{pip} {MAINTAINED}`"
            )
        else:
            message = f"no TensorFlow Lite runtime is installed. Install one: `{pip} {MAINTAINED}`"
        super().__init__(message + _hint())


def _hint() -> str:
    """What pip would not say: that there is nothing to install for this machine or Python."""
    lowest, highest = (".".join(map(str, v)) for v in WHEELS_FOR_PYTHONS)
    if platform.machine() not in WHEELS_FOR_MACHINES:
        return (
            f". There is none for this machine ({platform.machine()}): it needs a 64-bit system, aarch64 or "
            "x86_64; on a Raspberry Pi install the 64-bit Raspberry Pi OS"
        )
    if not WHEELS_FOR_PYTHONS[0] <= sys.version_info[:2] <= WHEELS_FOR_PYTHONS[1]:
        return f". This is Python {platform.python_version()}: use Python {lowest} to {highest}"
    return ""
