"""The one place where an image file becomes grey levels: PNG, TIFF, BMP and WSQ, or a refusal that says why.

The file's content decides what it is, not its name. Nothing is guessed: what does not have one clear meaning as
an 8-bit grey image (several pages, floating point, 32 bits) is refused, and so is what is damaged or cut short.
"""

from __future__ import annotations

import io
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_service.extraction import parameters as p
from edge_service.extraction import wsq_file
from edge_service.extraction.errors import ImageRefused
from edge_service.extraction.native_stderr import without_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

FORMATS = ("PNG", "TIFF", "BMP")
_DEEP = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_NUMBERS = ("I", "F")  # beginnings of Pillow's other modes that hold no grey levels
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0, section 8
_TIFF_ORDERS = (b"II", b"MM")
# libtiff puts its own name for the file or one of its functions before what it complains of
_LIBTIFF_LINES = (b"tempfile.tif", b"TIFF", b"_TIFF", b"LZW", b"ZIP", b"PackBits", b"Fax3", b"Fax4", b"JPEG")
_SAVE_ANEW = "save it anew as an 8-bit grey PNG"


def read_image(path: str | Path, *, exact: bool = False) -> NDArray[np.uint8]:
    """The image in a file, with its grey levels as the file has them.

    Colour becomes grey (ITU-R BT.601 luma), 12 and 16 bits a pixel become the top eight, black and white become
    0 and 255, and what is transparent is laid over white.

    Args:
        path: a PNG, TIFF, BMP or WSQ file; WSQ needs the package `wsq`.
        exact: refuse what would have to be converted with loss: colour, transparency, more or fewer bits.

    Returns:
        uint8 (height, width), row 0 at the top.

    Raises:
        ImageRefused: the file is missing, no such image, damaged, or too large; the message names it.
    """
    path = Path(path)
    content = _content(path)
    with warnings.catch_warnings():
        # what Pillow warns of is either refused below or harmless, and would only stain a terminal
        warnings.simplefilter("ignore")
        if content[: len(wsq_file.MAGIC)] == wsq_file.MAGIC:
            return _wsq(content, path)
        if content[:2] in _TIFF_ORDERS:
            with without_lines(*_LIBTIFF_LINES):
                return _picture(content, path, exact=exact)
        return _picture(content, path, exact=exact)


def _content(path: Path) -> bytes:
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise ImageRefused("this is a folder", "name one image in it", path=path)
        if not stat.S_ISREG(facts.st_mode):
            raise ImageRefused("this is a device, not a file", "name an image file", path=path)
        with path.open("rb") as file:
            content = file.read(p.MOST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageRefused("there is no such file", "check the name", path=path) from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ImageRefused(f"cannot be opened ({reason})", "check its name and rights", path=path) from error
    if len(content) > p.MOST_FILE_BYTES:
        most = p.MOST_FILE_BYTES >> 20
        raise ImageRefused(
            f"the file is larger than {most} MiB", "cut out the print and save that", path=path
        )
    if not content:
        raise ImageRefused("the file is empty", "copy it again, or capture the print again", path=path)
    return content


def _wsq(content: bytes, path: Path) -> NDArray[np.uint8]:
    try:
        return wsq_file.decode(content, most_pixels=p.MOST_FILE_PIXELS)
    except wsq_file.WsqMissing as error:
        raise ImageRefused(
            "this is a WSQ file, and the package that reads those is not installed",
            "install it with `pip install wsq`, or save the image as PNG",
            path=path,
        ) from error
    except wsq_file.WsqTooLarge as error:
        raise _too_large(path, *error.size) from error
    except ValueError as error:
        raise _damaged(path, error) from error


def _picture(content: bytes, path: Path, *, exact: bool) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            _check_frame(picture, path)
            picture.load()
            if exact:
                _check_exact(picture, path)
            return _grey(picture, path)
    except ImageRefused:
        raise
    except UnidentifiedImageError as error:
        raise ImageRefused(
            "this is no PNG, TIFF, BMP or WSQ image, or its beginning is damaged",
            "give one of those, or copy it again",
            path=path,
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageRefused(
            "it has far more pixels than a print", "cut out the print and save that", path=path
        ) from error
    except Exception as error:  # Pillow's readers raise what they like over a damaged file
        raise _damaged(path, error) from error


def _check_frame(picture: Image, path: Path) -> None:
    """Refuse too many pixels, before anything is decoded: a small file can unfold to more than the memory holds."""
    if picture.width * picture.height > p.MOST_FILE_PIXELS:
        raise _too_large(path, *picture.size)
    try:
        picture.seek(1)
    except EOFError:
        picture.seek(0)
        return
    raise ImageRefused("it has several pages", "save the page with the print by itself", path=path)


def _check_exact(picture: Image, path: Path) -> None:
    """Refuse a decoded picture that is not 8-bit grey, in whichever way that is stored."""
    fault = None
    if picture.mode in _DEEP:
        fault = "it has more than 8 bits a pixel"
    elif picture.mode == "1":
        fault = "it has only black and white, and a print needs grey levels"
    elif not picture.mode.startswith(_NUMBERS):
        rgba = np.asarray(picture.convert("RGBA"), np.uint8)
        if (rgba[..., 3] != 255).any():
            fault = "it is partly transparent"
        elif (rgba[..., :1] != rgba[..., 1:3]).any():
            fault = "it is a colour image"
    if fault is not None:
        raise ImageRefused(fault, _SAVE_ANEW, path=path)


def _grey(picture: Image, path: Path) -> NDArray[np.uint8]:
    """Grey levels of a decoded picture."""
    from PIL import Image

    if picture.mode in _DEEP:
        return _top_eight_bits(picture, path)
    if picture.mode.startswith(_NUMBERS):
        raise ImageRefused("it holds 32-bit or signed numbers, not grey levels", _SAVE_ANEW, path=path)
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        white = Image.new("RGBA", shown.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, shown)
    if picture.mode not in {"1", "L"}:
        picture = picture.convert("RGB")  # some modes have no direct way to grey
    return np.array(picture.convert("L"), np.uint8)


def _top_eight_bits(picture: Image, path: Path) -> NDArray[np.uint8]:
    deep = np.asarray(picture).astype(np.uint16)  # in this machine's byte order
    bits, white_is_zero = 16, False
    tags = getattr(picture, "tag_v2", None)
    if tags is not None:  # a TIFF may have 12 bits, and Pillow leaves it to us which end is white
        bits = int(tags.get(_BITS_PER_SAMPLE, (16,))[0])
        white_is_zero = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    if deep.max(initial=0) < 256:
        raise ImageRefused(
            f"it has {bits} bits a pixel but only uses the lowest eight", _SAVE_ANEW, path=path
        )
    grey = (deep >> (bits - 8)).astype(np.uint8)
    return 255 - grey if white_is_zero else grey


def _damaged(path: Path, error: Exception) -> ImageRefused:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ImageRefused(
        f"it is damaged or cut short ({reason})", "copy it again, or capture the print again", path=path
    )


def _too_large(path: Path, width: int, height: int) -> ImageRefused:
    most = p.MOST_FILE_PIXELS // 1_000_000
    return ImageRefused(
        f"it is {width} x {height} pixels, more than {most} million",
        "cut out the print and save that",
        path=path,
    )
