"""The manifest of an update, as the board reads it: which files will come, and whether they may.

The Pi has checked the signature over it; the board believes no more than it has to.
"""

import binascii
import json
import sys

from firmware.core import codes, parameters
from firmware.core.compat import const

BY_NAME = const(1)
BY_MICROPYTHON = const(2)
"""Details of ERROR_UPDATE_WRONG_BOARD."""
BAD_LENGTH = const(1)
BAD_DIGEST = const(2)
BAD_FIELDS = const(3)
BAD_PATH = const(4)
BAD_SIZE = const(5)
"""Details of ERROR_UPDATE_BAD_MANIFEST."""

FORMAT = const(1)
DIGEST_BYTES = const(32)
PATH_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_/."
BELOW = "firmware/"


class Refused(Exception):  # noqa: N818 - reads as what it is; never leaves the updater
    """Carries an error code and its detail from where it is found to where it is answered."""

    def __init__(self, error: int, detail: int):
        super().__init__(error, detail)
        self.error = error
        self.detail = detail


def files_of(data: bytes, *, board_name: str) -> "list[tuple[str, int, bytes]]":
    """Path, size and SHA-256 of the files that a manifest lists, checked. Raises Refused."""
    try:
        manifest = json.loads(data)
        fits = manifest["format"] == FORMAT and manifest["board"] == board_name
        micropython = manifest["mpy"]
        files = [(each["path"], each["size"], unhex(each["sha256"])) for each in manifest["files"]]
        total = sum([size for _, size, _ in files])
    except (ValueError, KeyError, TypeError, MemoryError, RuntimeError):
        raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_FIELDS) from None
    if not fits:
        raise Refused(codes.ERROR_UPDATE_WRONG_BOARD, BY_NAME)
    if micropython != this_mpy(micropython):
        raise Refused(codes.ERROR_UPDATE_WRONG_BOARD, BY_MICROPYTHON)
    if not 0 < len(files) <= parameters.UPDATE_FILES or total > parameters.UPDATE_BYTES:
        raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_SIZE)
    seen = set()
    for path, size, _ in files:
        if not is_safe_path(path) or path in seen:
            raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_PATH)
        if not isinstance(size, int) or size < 0:
            raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_SIZE)
        seen.add(path)
    return files


def is_safe_path(path: object) -> bool:
    """Whether `path` stays in its slot: below firmware/, plain letters, no part with a dot in front."""
    return (
        isinstance(path, str)
        and path[: len(BELOW)] == BELOW
        and len(path) <= parameters.UPDATE_PATH_CHARACTERS
        and all(letter in PATH_LETTERS for letter in path)
        and all(part and part[0] != "." for part in path.split("/"))
    )


def unhex(text: str) -> bytes:
    """The bytes of a SHA-256 in hexadecimal; ValueError for anything else."""
    digest = binascii.unhexlify(text)
    if len(digest) != DIGEST_BYTES:
        raise ValueError(text)
    return digest


def this_mpy(otherwise: str) -> str:
    """The .mpy version that this interpreter loads, such as "6.3"; `otherwise` where it loads none (CPython)."""
    # https://docs.micropython.org/en/latest/reference/mpyfiles.html, "Versioning and compatibility of .mpy files"
    mpy = getattr(sys.implementation, "_mpy", None)
    return otherwise if mpy is None else "%d.%d" % (mpy & 0xFF, mpy >> 8 & 3)


def room_for(files: "list[tuple[str, int, bytes]]", *, block_bytes: int) -> int:
    """Flash that the files will take: whole blocks, two more for each folder (littlefs keeps its entries twice)."""
    folders = set()
    blocks = 0
    for path, size, _ in files:
        blocks += (size + block_bytes - 1) // block_bytes
        folders.add(path[: path.rfind("/")])
    return (blocks + 2 * len(folders) + parameters.UPDATE_SPARE_BLOCKS) * block_bytes
