"""What goes into a slot: the compiled modules of one board, and the manifest that lists them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from firmware.build.errors import BuildError
from firmware.build.shrink import shrink
from firmware.build.shrink.program import PACKAGE
from firmware.build.targets import OF_THE_LOADER_ALONE
from firmware.core.framing import PROTOCOL
from firmware.core.update_manifest import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from firmware.build.mpy import MpyCross
    from firmware.build.targets import Target


def version_of(source: Path) -> str:
    """The version that the sources in the folder `source` say they are."""
    file = source / "core" / "version.py"
    try:
        found = re.search(r'^VERSION = "(\d+\.\d+\.\d+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError as error:
        raise BuildError(f"{file}: cannot be read: {error.strerror}") from None
    if found is None:
        raise BuildError(f'{file}: expected a line such as VERSION = "1.2.3"')
    return found[1]


def modules_of(target: Target, source: Path) -> list[Path]:
    """The source files that a board gets, sorted."""
    files = [source / "__init__.py"]
    for package in target.packages:
        files += (source / package).glob("*.py")
    loader = {source / "boot" / name for name in OF_THE_LOADER_ALONE}
    return sorted(file for file in files if file not in loader)


@dataclass(frozen=True, slots=True)
class Slot:
    """The application of one board.

    Attributes:
        files: path in the slot -> bytes.
        trace_map: what `firmware.build.trace` needs to read its tracebacks; it stays on the PC.
    """

    files: dict[str, bytes]
    trace_map: bytes


def compiled(target: Target, source: Path, compiler: MpyCross, *, small: bool = True) -> Slot:
    """Compile the modules of a board; `small=False` leaves them as they are, for a debugger. Raises BuildError."""
    modules = {
        f"{PACKAGE}/{file.relative_to(source).as_posix()}": file for file in modules_of(target, source)
    }
    entry = target.entry.replace(".", "/")
    if f"{entry}.py" not in modules:
        raise BuildError(f"{source}: there is no {target.entry}, which {target.name} starts with")
    if small:
        shrunk = shrink(modules, entry=target.entry, others=target.programs)
        texts, trace_map = shrunk.texts, shrunk.trace_map()
        for file in list(texts):
            for folder in list(PurePosixPath(file).parents)[:-1]:
                texts[f"{folder}/__init__.py"] = ""
    else:
        texts, trace_map = {file: path.read_text(encoding="utf-8") for file, path in modules.items()}, b"{}"
    return Slot(
        {
            file.removesuffix(".py") + ".mpy": compiler.compile(text, name=file, march=target.march)
            for file, text in sorted(texts.items())
        },
        trace_map,
    )


def manifest_of(target: Target, contents: Mapping[str, bytes], *, version: str, mpy_version: str) -> bytes:
    """The manifest, as the bytes that are signed: JSON with sorted keys and no spaces, in ASCII."""
    manifest = {
        "format": FORMAT,
        "version": version,
        "board": target.name,
        "link_protocol": PROTOCOL,
        "mpy": mpy_version,
        "arch": target.march,
        "entry": target.entry,
        "files": [
            {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(contents.items())
        ],
    }
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
