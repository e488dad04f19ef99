"""The strict reader of bundles: only the tar that `firmware/build` writes, within bounds, and nothing else.

A general tar reader knows links, devices, long names, sparse files and several checksums. A bundle has plain files
with short names, in nobody's name, from 1970, so everything else is refused: there is one way to write a header,
and a header that is not written that way is damaged or somebody's experiment.
"""

from __future__ import annotations

from edge_service.firmware_update import parameters

BLOCK = 512
END = bytes(2 * BLOCK)
RECORD = 20 * BLOCK
NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_/.")


class ArchiveError(ValueError):
    """Not a bundle's tar; the message says where and why."""


def members(data: bytes) -> dict[str, bytes]:
    """Name -> contents, in the order of the file. Raises ArchiveError.

    Layout: IEEE Std 1003.1-2017, pax, "ustar Interchange Format".
    """
    if len(data) > parameters.MAX_BUNDLE_BYTES:
        raise ArchiveError(f"it is larger than any bundle ({len(data)} bytes)")
    found: dict[str, bytes] = {}
    at = 0
    while True:
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            raise ArchiveError(f"it ends too early, after {len(data)} bytes")
        if not any(header):
            break
        name, size = _header(header, at)
        at += BLOCK
        contents = data[at : at + size]
        padding = data[at + size : at + _padded(size)]
        at += _padded(size)
        if at > len(data):
            raise ArchiveError(f"it ends too early, within {name}")
        if any(padding):
            raise ArchiveError(f"there is something between {name} and the next file")
        if name in found:
            raise ArchiveError(f"{name} is in it twice")
        if len(found) >= parameters.MAX_FILES + 2:
            raise ArchiveError(f"it holds more than {parameters.MAX_FILES} files")
        found[name] = contents
    if any(data[at:]) or len(data) % RECORD or not at + len(END) <= len(data) < at + len(END) + RECORD:
        raise ArchiveError("its end is not that of a bundle")
    return found


def _header(header: bytes, at: int) -> tuple[str, int]:
    """Name and size of the member whose header this is."""
    try:
        name = header[:100].rstrip(b"\0").decode("ascii")
        size = int(header[124:135], 8)
    except ValueError:
        raise ArchiveError(f"the header at byte {at} cannot be read") from None
    if not is_plain_name(name):
        raise ArchiveError(f"the header at byte {at} has a name that no bundle has")
    if size > parameters.MAX_FIRMWARE_BYTES:
        raise ArchiveError(f"{name} is too large ({size} bytes)")
    if header != header_of(name, size):
        raise ArchiveError(f"the header at byte {at} is damaged, or not one of a bundle")
    return name, size


def header_of(name: str, size: int) -> bytes:
    """The one header that a file of this name and size has in a bundle."""
    before = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size
    before += b"%011o\0" % 0
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(32 + 32 + 8 + 8 + 155 + 12)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def is_plain_name(name: str) -> bool:
    """A relative path of small letters, digits, _ and ., no part of which begins with a dot, as on the board."""
    return (
        0 < len(name) <= parameters.MAX_PATH_CHARACTERS
        and set(name) <= NAME_LETTERS
        and all(part and part[0] != "." for part in name.split("/"))
    )


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
