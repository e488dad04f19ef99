"""The bundle: an uncompressed tar of the manifest, its signature, and the files, the same bytes every time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
SUFFIX = ".whorlfw"
BLOCK = 512
RECORD = 20 * BLOCK


def file_name(*, version: str, board: str) -> str:
    """What a bundle is called."""
    return f"whorl-firmware-{version}-{board}{SUFFIX}"


def pack(manifest: bytes, signature: bytes, contents: Mapping[str, bytes]) -> bytes:
    """The bundle. Python's own tarfile is not used, because what it writes has changed between its versions."""
    members = [(MANIFEST, manifest), (SIGNATURE, signature), *sorted(contents.items())]
    packed = b"".join(_header(name, len(data)) + data + bytes(-len(data) % BLOCK) for name, data in members)
    packed += bytes(2 * BLOCK)
    return packed + bytes(-len(packed) % RECORD)


def _header(name: str, size: int) -> bytes:
    """Of a plain file, mode 644, nobody's, from 1970 (IEEE Std 1003.1-2017, pax, "ustar Interchange Format")."""
    header = struct.pack(
        "100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x",
        name.encode("ascii"),
        b"0000644",
        b"0000000",
        b"0000000",
        b"%011o" % size,
        b"%011o" % 0,
        b" " * 8,
        b"0",
        b"",
        b"ustar",
        b"00",
        b"",
        b"",
        b"",
        b"",
        b"",
    )
    return header.replace(b" " * 8, b"%06o\0 " % sum(header))
