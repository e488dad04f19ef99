"""Images to pixels and back, in a process of its own with little memory and time: decoders are native code.

The package `wsq` has wheels for x86-64 only; elsewhere WSQ is refused in words, and PNG works as ever.
"""

from __future__ import annotations

import importlib.util
import struct
from typing import TYPE_CHECKING

import numpy as np

from matcher_service.exchange import limited_process, parameters
from matcher_service.exchange.errors import ImageRefused
from matcher_service.exchange.image_headers import ImageKind, check_size, look

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE = struct.Struct("<II")
# Reads stdin; writes width, height and pixels, or the encoded file.
_CHILD = """
import io, struct, sys
doing, kind, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from PIL import Image
if kind == "WSQ":
    import wsq
given = sys.stdin.buffer.read()
if doing == "decode":
    with Image.open(io.BytesIO(given), formats=[kind]) as picture:
        if picture.width * picture.height > most:
            sys.exit(3)
        grey = picture.convert("L")
        sys.stdout.buffer.write(struct.pack("<II", *grey.size) + grey.tobytes())
else:
    width, height = struct.unpack_from("<II", given)
    out = io.BytesIO()
    Image.frombytes("L", (width, height), given[8:]).save(out, format=kind)
    sys.stdout.buffer.write(out.getvalue())
"""


def decode(data: bytes) -> NDArray[np.uint8]:
    """The grey levels of a WSQ or PNG image, uint8 (height, width). Raises ImageRefused."""
    header = look(data)
    kind = _pillow(header.kind)
    answer = _run("decode", kind, data)
    if len(answer) < _SIZE.size:
        raise ImageRefused("its decoder gave nothing; copy it again")
    width, height = _SIZE.unpack_from(answer)
    if (width, height) != (header.width, header.height) or len(answer) != _SIZE.size + width * height:
        raise ImageRefused("it decodes to another size than its header says; have it scanned again")
    return np.frombuffer(answer, np.uint8, offset=_SIZE.size).reshape(height, width).copy()


def encode(grey: NDArray[np.uint8], kind: ImageKind) -> bytes:
    """A WSQ or PNG image of grey levels, uint8 (height, width). Raises ImageRefused."""
    height, width = grey.shape
    check_size(width, height)
    if kind is ImageKind.RAW:
        return grey.tobytes()
    given = _SIZE.pack(width, height) + np.ascontiguousarray(grey, np.uint8).tobytes()
    return _run("encode", _pillow(kind), given)


def _pillow(kind: ImageKind) -> str:
    if kind is ImageKind.WSQ and importlib.util.find_spec("wsq") is None:
        raise ImageRefused(
            "WSQ needs the package 'wsq', which there is for x86-64 only: install it there (pip install wsq), or give"
            " the image as PNG"
        )
    return "WSQ" if kind is ImageKind.WSQ else "PNG"


def _run(doing: str, kind: str, given: bytes) -> bytes:
    child = limited_process.run(
        _CHILD,
        [doing, kind, str(parameters.MAX_IMAGE_PIXELS)],
        given=given,
        memory_bytes=parameters.DECODE_MEMORY_BYTES,
        cpu_s=parameters.DECODE_CPU_S,
        deadline_s=parameters.DECODE_DEADLINE_S,
    )
    if child is None:
        raise ImageRefused(f"the {kind} codec did not come to an end; have the image scanned again")
    if child.returncode != 0:
        raise ImageRefused(f"the {kind} codec broke down over it: it is damaged; copy it again, or scan anew")
    return child.stdout
