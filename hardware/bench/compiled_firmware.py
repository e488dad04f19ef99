"""The checkout's firmware as a board has it: compiled, module by module, for the unix port.

MicroPython could compile the sources itself, but not in a board's memory: that is why boards get .mpy files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from firmware.build.mpy import MpyCross
from firmware.build.targets import TARGETS

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / "build" / "virtual-board"
_UNIX = next(target for target in TARGETS if target.name == "unix")


def compiled_firmware(sources: Path = CHECKOUT / "firmware", cache: Path = CACHE) -> Path:
    """A folder for MICROPYPATH with the compiled package `firmware` in it; kept, and made anew when a source changes.

    Raises firmware.build.errors.CompileError.
    """
    files = sorted(
        [sources / "__init__.py", *(p for name in _UNIX.packages for p in (sources / name).glob("*.py"))]
    )
    texts = {path.relative_to(sources.parent): path.read_bytes() for path in files}
    compiler = MpyCross.find()
    digest = hashlib.sha256(compiler.mpy_version.encode())
    for path, text in texts.items():
        digest.update(f"{path} {len(text)}\n".encode() + text)
    tree = cache / digest.hexdigest()[:16]
    if tree.is_dir():
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    # Several tests may do this at once: whoever is first puts a whole folder in place.
    with tempfile.TemporaryDirectory(dir=cache) as unfinished:
        root = Path(unfinished) / "tree"
        for path, text in texts.items():
            target = root / path.with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_compiled(compiler, path, text, cache / "modules"))
        try:
            root.rename(tree)
        except OSError:
            if not tree.is_dir():
                raise
    _forget_old(cache, keep=tree)
    return tree


def _compiled(compiler: MpyCross, path: Path, text: bytes, cache: Path) -> bytes:
    key = hashlib.sha256(f"{compiler.mpy_version} {path}\n".encode() + text).hexdigest()[:24]
    kept = cache / f"{path.stem}-{key}.mpy"
    if not kept.exists():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            source, done = Path(folder) / path.name, Path(folder) / "done"
            source.write_bytes(text)
            done.write_bytes(compiler.compile(source, name=path.as_posix(), march=_UNIX.march))
            done.replace(kept)
    return kept.read_bytes()


def _forget_old(cache: Path, *, keep: Path, most: int = 20) -> None:
    """The latest trees stay: another process may be running from one of them."""
    trees = sorted(
        (path for path in cache.iterdir() if path.is_dir() and len(path.name) == 16 and path != keep),
        key=lambda path: path.stat().st_mtime,
    )
    for tree in trees[: max(0, len(trees) - most)]:
        shutil.rmtree(tree, ignore_errors=True)
    modules = cache / "modules"
    for module in sorted(modules.glob("*.mpy"), key=os.path.getmtime)[:-2000]:
        module.unlink(missing_ok=True)
