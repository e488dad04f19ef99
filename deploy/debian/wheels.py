"""Locked wheels for another machine: fetched by pip, checked against the lock, unpacked in a way of our own.

pip would install them as well, but writes when and by whom; unpacked here, the same wheels give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from packaging.metadata import Metadata
from packaging.utils import canonicalize_name, parse_wheel_filename

from deploy.debian.errors import BuildError, MissingWheelError
from deploy.debian.lock import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy.debian.lock import Pin
    from deploy.debian.target import Target

PIP_TIMEOUT_S = 1200
# What a running program never opens: types for editors, headers and archives for compilers, tests.
UNUSED_SUFFIXES = (".pyi", ".pyx", ".pxd", ".h", ".hpp", ".c", ".cc", ".cpp", ".a", ".f90", ".exe")
UNUSED_FOLDERS = ("tests", "include")
# LiteRT's accelerators for other makers' chips and for graphics, opened by name when somebody asks for them; the
# extractor asks for the processor. One of them needs a library that no wheel brings.
UNUSED_PLACES = (
    "ai_edge_litert/vendors/",
    "ai_edge_litert/libLiteRtWebGpuAccelerator.so",
    "ai_edge_litert/tools/",
    # numba's other ways to run one search on several threads, with libraries that no wheel brings; ours uses its own.
    "numba/np/ufunc/omppool.",
    "numba/np/ufunc/tbbpool.",
)


def gather(pins: Iterable[Pin], target: Target, store: Path, say: Callable[[str], None]) -> list[Path]:
    """The wheel of each pin, fetched into `store` if it is not there. Raises MissingWheelError."""
    store.mkdir(parents=True, exist_ok=True)
    found = {pin: _stored(pin, target, store) for pin in pins}
    missing = [pin for pin, path in found.items() if path is None]
    if missing:
        say(f"fetching {len(missing)} libraries for {target}")
        why = _fetch(missing, target, store)
        found |= {pin: _stored(pin, target, store) for pin in missing}
        lost = [f"{pin.name} {pin.version}" for pin in missing if found[pin] is None]
        if lost:
            raise MissingWheelError(lost, str(target), why)
    return [path for path in found.values() if path is not None]


def _stored(pin: Pin, target: Target, store: Path) -> Path | None:
    """The best wheel of the pin in the store that has one of its hashes."""
    ranks = {tag: rank for rank, tag in enumerate(target.wheel_tags)}
    fitting: list[tuple[int, str, Path]] = []
    for path in store.glob("*.whl"):
        name, version, _, tags = parse_wheel_filename(path.name)
        rank = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        if name == pin.name and str(version) == pin.version and rank is not None:
            if hashlib.sha256(path.read_bytes()).hexdigest() not in pin.hashes:
                raise BuildError(f"{path}: not the file that requirements/lock.txt names; delete it")
            fitting.append((rank, path.name, path))
    return min(fitting)[2] if fitting else None


def _fetch(pins: Iterable[Pin], target: Target, store: Path) -> str:
    """Have pip download wheels; the last line that it said if it could not."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.txt"
        asked.write_text("".join(f"{pin.line}\n" for pin in pins), "utf-8")
        platforms = [word for name in target.platforms for word in ("--platform", name)]
        done = subprocess.run(  # noqa: S603 - our own interpreter and words
            [
                sys.executable,
                "-m",
                "pip",
                "--disable-pip-version-check",
                "--no-input",
                "download",
                "--no-deps",
                "--require-hashes",
                "--only-binary",
                ":all:",
                "--requirement",
                str(asked),
                *platforms,
                "--python-version",
                target.python,
                "--implementation",
                "cp",
                "--dest",
                str(store),
                "--progress-bar",
                "on" if sys.stderr.isatty() else "off",
                "--quiet",
            ],
            stderr=subprocess.PIPE,
            text=True,
            timeout=PIP_TIMEOUT_S,
            check=False,
        )
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if done.returncode and lines else "pip said nothing"


def unpack(wheel: Path, folder: Path) -> None:
    """Put a wheel's files below `folder`; scripts, headers and what no program opens are left out."""
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.infolist(), key=lambda info: info.filename):
            place = _place(member.filename)
            if member.is_dir() or place is None:
                continue
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise BuildError(f"{wheel.name}: {place} is there already, from another library")
            with archive.open(member) as source, path.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            path.chmod(0o644)


def _place(name: str) -> PurePosixPath | None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BuildError(f"a wheel with a file outside itself: {name}")
    top = path.parts[0]
    if top.endswith(".data"):
        if path.parts[1] not in {"purelib", "platlib"}:
            return None
        path = PurePosixPath(*path.parts[2:])
    elif top.endswith(".dist-info"):
        # RECORD names files that are not here.
        return None if path.name in {"RECORD", "RECORD.jws", "INSTALLER", "direct_url.json"} else path
    unused = (
        path.name.endswith(UNUSED_SUFFIXES)
        or any(part in UNUSED_FOLDERS for part in path.parts[:-1])
        or str(path).startswith(UNUSED_PLACES)
    )
    return None if unused else path


def check_complete(folder: Path, roots: Iterable[str], target: Target) -> dict[str, Metadata]:
    """What each library below `folder` says of itself, by name. Raises BuildError if one lacks another."""
    here: dict[str, Metadata] = {}
    for path in sorted(folder.glob("*.dist-info/METADATA")):
        said = Metadata.from_email(path.read_bytes(), validate=False)
        here[canonicalize_name(said.name)] = said
    for name, said in here.items():
        for requirement in said.requires_dist or ():
            other = here.get(canonicalize_name(requirement.name))
            if not wanted(requirement, target):
                continue
            if other is None or not requirement.specifier.contains(other.version, prereleases=True):
                raise BuildError(f"{name} asks for {requirement}, and the package has none: make setup")
    lost = sorted({canonicalize_name(name) for name in roots} - set(here))
    if lost:
        raise BuildError(f"not unpacked: {', '.join(lost)}")
    return here


def touch_all(folder: Path, epoch: int) -> None:
    """Give everything below `folder` one date."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)
