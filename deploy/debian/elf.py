"""What a file in machine code asks of the machine that loads it: architecture, shared libraries, C library's version.

Read from the ELF header and the dynamic section (System V ABI, chapters 4 and 5; symbol versions: LSB Core, 10.7),
because the tools that print them come with a compiler, and those for another architecture with a cross compiler.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.debian.errors import UnfitBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.debian.target import Target

MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
DYNAMIC_SECTION, VERSION_SECTION = 6, 0x6FFFFFFE
DT_NEEDED = 1
# Debian's packages of the libraries that wheels may leave to the system (the manylinux list, where we met them).
SYSTEM = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libpthread.so.0": "libc6",
    "libdl.so.2": "libc6",
    "librt.so.1": "libc6",
    "libutil.so.1": "libc6",
    "ld-linux-x86-64.so.2": "libc6",
    "ld-linux-aarch64.so.1": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}


@dataclass(frozen=True)
class Binary:
    """A shared object's demands."""

    machine: int
    needed: tuple[str, ...]
    glibc: int  # minor version: 2.x


def read_elf(data: bytes) -> Binary | None:
    """The demands of a shared object, or None for anything else."""
    if data[: len(MAGIC)] != MAGIC:
        return None
    (machine,) = struct.unpack_from("<H", data, 18)
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    needed: list[str] = []
    versions: list[str] = []
    for _, kind, _, _, offset, length, link, _, _, _ in sections:
        if kind == DYNAMIC_SECTION:
            for place in range(offset, offset + length, 16):
                tag, value = struct.unpack_from("<qQ", data, place)
                if tag == DT_NEEDED:
                    needed.append(_text(data, sections[link][4] + value))
        elif kind == VERSION_SECTION:
            versions += _versions(data, offset, sections[link][4])
    minors = [
        int(found[1]) for word in versions if (found := re.fullmatch(r"GLIBC_2\.(\d+)(?:\.\d+)?", word))
    ]
    return Binary(machine=machine, needed=tuple(needed), glibc=max(minors, default=0))


def _versions(data: bytes, offset: int, texts: int) -> Iterator[str]:
    """Names of the versions that are needed (Verneed and Vernaux records)."""
    while True:
        _, count, _, first, following = struct.unpack_from("<HHIII", data, offset)
        place = offset + first
        for _ in range(count):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, place)
            yield _text(data, texts + name)
            place += step
        if not following:
            return
        offset += following


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode("ascii")


def check_binaries(folder: Path, target: Target) -> list[str]:
    """Debian's dependencies of all machine code below `folder`. Raises UnfitBinaryError."""
    found: dict[str, Binary] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and ".so" in path.name:
            binary = read_elf(path.read_bytes())
            if binary is None:
                raise UnfitBinaryError(str(path.relative_to(folder)), "is no shared object of 64 bits")
            found[str(path.relative_to(folder))] = binary
    brought = {name.rpartition("/")[2] for name in found}
    packages: set[str] = set()
    for name, binary in found.items():
        if binary.machine != target.elf_machine:
            raise UnfitBinaryError(name, f"is machine code for something else than {target.arch}")
        if binary.glibc > target.glibc:
            raise UnfitBinaryError(name, f"needs glibc 2.{binary.glibc}; the target has 2.{target.glibc}")
        for library in binary.needed:
            if library not in brought and library not in SYSTEM:
                raise UnfitBinaryError(name, f"needs {library}, which nobody brings")
            if library not in brought:
                packages.add(SYSTEM[library])
    newest = max((binary.glibc for binary in found.values()), default=0)
    return sorted(f"libc6 (>= 2.{newest})" if name == "libc6" else name for name in packages)
