"""The package's files as they will lie on the machine, below a folder of the build."""

from __future__ import annotations

import gzip
import shutil
import stat
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.debian import wheels
from deploy.debian.bytecode import compile_all
from deploy.debian.elf import check_binaries
from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from packaging.metadata import Metadata

    from deploy.debian.contents import Contents
    from deploy.debian.lock import Pin
    from deploy.debian.target import Target

HERE = Path(__file__).parent
# -I: neither environment nor the caller's folder say what is imported; -S: nor what else is installed;
# -B: nothing is written beside the program.
LAUNCHER = """\
#!/usr/bin/python3 -ISB
import sys

sys.path[:0] = ["/{home}", "/{home}/lib"]
from {module} import app

app(prog_name="{command}")
"""


def own_files(root: Path, sources: Iterable[str]) -> Iterator[Path]:
    """Our own files that are shipped, relative to the repository: programs and their data (pyproject.toml)."""
    data = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"][
        "*"
    ]
    shipped = ["*.py", *data]
    for source in sources:
        place = root / source
        if not place.exists():
            raise BuildError(f"{source}: not in this checkout")
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            named = any(fnmatch(path.name, pattern) for pattern in shipped)
            if path.is_file() and named and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def lay_out(
    contents: Contents,
    *,
    root: Path,
    tree: Path,
    pins: list[Pin],
    fetched: list[Path],
    version: str,
    target: Target,
    say: Callable[[str], None],
) -> tuple[list[str], dict[str, Metadata]]:
    """Write everything but control files. Debian's dependencies of the libraries, and what these say of themselves."""
    home = tree / contents.home
    library = home / "lib"
    for number, wheel in enumerate(fetched, start=1):
        say(f"{contents.name}: unpacking {number} of {len(fetched)}, {wheel.name.partition('-')[0]}")
        wheels.unpack(wheel, library)
    said = wheels.check_complete(library, [pin.name for pin in pins], target)
    for path in own_files(root, contents.sources):
        _copy(root / path, home / path)
    note = home / "lib" / f"whorl-{version}.dist-info" / "METADATA"
    note.parent.mkdir()
    note.write_text(f"Metadata-Version: 2.1\nName: whorl\nVersion: {version}\n", "utf-8")
    say(f"{contents.name}: compiling")
    compile_all(home, f"/{contents.home}", target)
    for source, place in contents.files:
        _copy(root / source, tree / place)
    launcher = tree / "usr/bin" / contents.command
    launcher.parent.mkdir(parents=True)
    launcher.write_text(
        LAUNCHER.format(home=contents.home, module=contents.module, command=contents.command), "utf-8"
    )
    launcher.chmod(0o755)
    manual = tree / f"usr/share/man/man1/{contents.command}.1.gz"
    write_gzip(manual, (HERE / contents.name / f"{contents.command}.1").read_bytes())
    return check_binaries(library, target), said


def write_gzip(path: Path, data: bytes) -> None:
    """Packed, without a date or a name inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))
    path.chmod(0o644)


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    place.chmod(0o644)


def set_modes(tree: Path) -> None:
    """Modes as Debian has them, whatever the umask of who builds."""
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
