"""The model's file, read once and looked over before native code sees it.

`ai-edge-litert` verifies a file's structure itself; `tflite-runtime` does not, and a file cut short or overwritten
ends the process there. What is looked at here are the offsets on the way from the root to the buffers and the
signatures, which no file that lacks a part of its end or its beginning gets right. A file that was changed on
purpose is another matter: who may write it decides what is extracted anyway.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_service.extraction.errors import ModelRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDENTIFIER, SCHEMA_VERSION = b"TFL3", 3
# fields of the schema's tables Model and Buffer, by their number
_VERSION, _OPERATORS, _SUBGRAPHS, _BUFFERS, _SIGNATURES = 0, 1, 2, 4, 7
_DATA, _OFFSET, _SIZE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A TensorFlow Lite model as it stands on disk.

    Attributes:
        path: where it was read from.
        content: its bytes.
        sha256: SHA-256 of the content, in hex.
    """

    path: Path
    content: bytes
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.content).hexdigest())

    @classmethod
    def read(cls, path: Path) -> ModelFile:
        """Read a model. Raises `ModelRefused` if it is missing, cannot be read, or is no whole model."""
        if not path.is_file():
            raise ModelRefused(path, "there is no such file")
        try:
            model = cls(path, path.read_bytes())
        except OSError as error:
            raise ModelRefused(path, f"cannot be read ({error.strerror})") from error
        if model.content[4:8] != IDENTIFIER:
            raise ModelRefused(path, "is no TensorFlow Lite model")
        try:
            whole = _is_whole(model.content)
        except struct.error:
            whole = False
        if not whole:
            raise ModelRefused(path, "is damaged or cut short")
        return model


def _is_whole(data: bytes) -> bool:
    """Whether the tables and buffers lie within the file; struct.error where an offset points outside."""
    root = _u32(data, 0)
    version = _field(data, root, _VERSION)
    if version is None or _u32(data, version) != SCHEMA_VERSION:
        return False
    if not list(_tables(data, root, _SUBGRAPHS)):
        return False
    for signature in _tables(data, root, _SIGNATURES):
        _field(data, signature, 0)
    # some writers put the operators' codes at the very end
    if any(_table_end(data, operator) > len(data) for operator in _tables(data, root, _OPERATORS)):
        return False
    return all(_buffer_end(data, buffer) <= len(data) for buffer in _tables(data, root, _BUFFERS))


def _tables(data: bytes, table: int, number: int) -> Iterator[int]:
    """Positions of the tables in a field that is a vector of tables."""
    at = _field(data, table, number)
    if at is None:
        return
    vector = at + _u32(data, at)
    for k in range(_u32(data, vector)):
        entry = vector + 4 + 4 * k
        yield entry + _u32(data, entry)


def _table_end(data: bytes, table: int) -> int:
    """Where a table's own fields end."""
    (back,) = struct.unpack_from("<i", data, table)
    return table + int(struct.unpack_from("<H", data, table - back + 2)[0])


def _buffer_end(data: bytes, buffer: int) -> int:
    """Where the content of a buffer ends, whether it stands within the FlatBuffer or behind it."""
    end = 0
    if (inside := _field(data, buffer, _DATA)) is not None:
        vector = inside + _u32(data, inside)
        end = vector + 4 + _u32(data, vector)
    offset, size = _field(data, buffer, _OFFSET), _field(data, buffer, _SIZE)
    if offset is not None and size is not None:
        end = max(end, _u64(data, offset) + _u64(data, size))
    return end


def _field(data: bytes, table: int, number: int) -> int | None:
    """Position of a table's field, None where it is left out."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    if vtable < 0:
        raise struct.error("a vtable before the beginning")
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _u64(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<Q", data, at)[0])
