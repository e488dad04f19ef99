"""The checkout's firmware as a board has it: made small and compiled, for the unix port.

MicroPython could compile the sources itself, but not in a board's memory: that is why boards get .mpy files.
With WHORL_PLAIN_FIRMWARE=1 in the environment the modules are compiled as they are: tracebacks then speak of the
sources' lines and names, and the firmware needs more memory than a board should spend on it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from firmware.build import contents
from firmware.build.mpy import MpyCross
from firmware.build.targets import TARGETS

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / "build" / "virtual-board"
PLAIN = "WHORL_PLAIN_FIRMWARE"
_UNIX = next(target for target in TARGETS if target.name == "unix")


def compiled_firmware(sources: Path = CHECKOUT / "firmware", cache: Path = CACHE) -> Path:
    """A folder for MICROPYPATH with the compiled package `firmware` in it; kept, and made anew when a source changes.

    Raises firmware.build.errors.BuildError.
    """
    small = not os.environ.get(PLAIN)
    compiler = MpyCross.find()
    digest = hashlib.sha256(f"{compiler.mpy_version} {small}\n".encode())
    builder = sorted(
        path for path in Path(contents.__file__).parent.rglob("*") if path.suffix in {".py", ".json"}
    )
    for path in [*contents.modules_of(_UNIX, sources), *builder]:
        text = path.read_bytes()
        digest.update(f"{path.name} {len(text)}\n".encode() + text)
    tree = cache / digest.hexdigest()[:16]
    if tree.is_dir():
        return tree
    slot = contents.compiled(_UNIX, sources, compiler, small=small)
    cache.mkdir(parents=True, exist_ok=True)
    # Several tests may do this at once: whoever is first puts a whole folder in place.
    with tempfile.TemporaryDirectory(dir=cache) as unfinished:
        root = Path(unfinished) / "tree"
        for path, data in {**slot.files, "trace.map.json": slot.trace_map}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        try:
            root.rename(tree)
        except OSError:
            if not tree.is_dir():
                raise
    _forget_old(cache, keep=tree)
    return tree


def _forget_old(cache: Path, *, keep: Path, most: int = 20) -> None:
    """The latest trees stay: another process may be running from one of them."""
    trees = sorted(
        (path for path in cache.iterdir() if path.is_dir() and len(path.name) == 16 and path != keep),
        key=lambda path: path.stat().st_mtime,
    )
    for tree in trees[: max(0, len(trees) - most)]:
        shutil.rmtree(tree, ignore_errors=True)
