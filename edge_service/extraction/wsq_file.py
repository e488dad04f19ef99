"""WSQ, the FBI's compression of grey prints, by the optional package `wsq`: in a process of its own.

The decoder is the C code of NBIS. A damaged file can make it read where nothing is, and then the whole process is
gone: found with random bytes behind a valid header. A kiosk must outlive a damaged file, and starting another
Python costs some 50 ms.
"""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"\xff\xa0"
DEADLINE_S = 30.0
_SIZE = struct.Struct("<II")

# Reads the file from stdin, writes width, height and the pixels to stdout.
_CHILD = """
import io, struct, sys
import wsq
from PIL import Image
with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=["WSQ"]) as picture:
    if picture.width * picture.height > int(sys.argv[1]):
        sys.stdout.buffer.write(struct.pack("<II", *picture.size))
    else:
        sys.stdout.buffer.write(struct.pack("<II", *picture.size) + picture.convert("L").tobytes())
"""


class WsqMissing(Exception):  # noqa: N818 - a fact, said as it is
    """The package `wsq` is not installed."""


class WsqTooLarge(Exception):  # noqa: N818 - the same
    """The image has more pixels than may be decoded.

    Attributes:
        size: its width and height in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        super().__init__(f"{size[0]} x {size[1]} pixels")


def decode(content: bytes, *, most_pixels: int) -> NDArray[np.uint8]:
    """The image in a WSQ file, uint8 (height, width).

    Raises WsqMissing, WsqTooLarge, or ValueError if the decoder refuses the file or breaks down over it.
    """
    if importlib.util.find_spec("wsq") is None:
        raise WsqMissing
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-P", "-c", _CHILD, str(most_pixels)],
            input=content,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise ValueError("the WSQ decoder did not come to an end") from error
    if child.returncode != 0 or len(child.stdout) < _SIZE.size:
        raise ValueError("the WSQ decoder broke down over it")
    width, height = _SIZE.unpack_from(child.stdout)
    if width * height > most_pixels:
        raise WsqTooLarge((width, height))
    if width * height == 0 or len(child.stdout) != _SIZE.size + width * height:
        raise ValueError("the WSQ decoder gave no whole image")
    return np.frombuffer(child.stdout, np.uint8, offset=_SIZE.size).reshape(height, width).copy()
