"""Firmware for the bench's boards: what the checkout holds, a version that is newer, and one that does not start."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.build.__main__ import SOURCE, build
from firmware.build.contents import version_of
from firmware.build.signing import developers_key
from firmware.build.targets import TARGETS, Target

if TYPE_CHECKING:
    from pathlib import Path

_BROKEN = '\n\ndef build(**_):\n    raise RuntimeError("this firmware was built for the bench: it does not start")\n'


@dataclass(frozen=True, slots=True)
class BuiltFirmware:
    """One build.

    Attributes:
        version: three numbers.
        bundle: for `edge-service firmware update`.
        flash: the same as a new board's flash.
        key: public key of its signature, a developer's, which no kiosk trusts by itself.
    """

    version: str
    bundle: Path
    flash: Path
    key: Path


def build_firmware(
    board: str, folder: Path, *, newer_by: int = 0, broken: bool = False, source: Path = SOURCE
) -> BuiltFirmware:
    """Build the checkout's firmware for `board` ("rp2040", "rp2350" or "unix") in `folder`.

    Args:
        board: kind of board, as `firmware.build.targets` names it.
        folder: for everything that is made.
        newer_by: raises the last of the version's numbers.
        broken: firmware that passes every check and raises an error when it starts.
        source: folder of the sources.

    Raises `firmware.build.errors.BuildError`.
    """
    target = next(target for target in TARGETS if target.name == board)
    ours = folder / "source"
    shutil.rmtree(ours, ignore_errors=True)
    shutil.copytree(source, ours, ignore=shutil.ignore_patterns("__pycache__"))
    version = _raise_version(ours, newer_by)
    if broken:
        _break(ours, target)
    key, public = developers_key(folder)
    out = folder / ("broken" if broken else "good")
    (bundle,) = build((target,), source=ours, out=out, signer=key, folders=True)
    return BuiltFirmware(version, bundle, bundle.with_suffix(""), public)


def _raise_version(source: Path, by: int) -> str:
    old = version_of(source)
    major, minor, last = old.split(".")
    new = f"{major}.{minor}.{int(last) + by}"
    file = source / "core" / "version.py"
    file.write_text(file.read_text("utf-8").replace(f'VERSION = "{old}"', f'VERSION = "{new}"'), "utf-8")
    return new


def _break(source: Path, target: Target) -> None:
    """The entry's `build` is the first thing that the loader calls."""
    entry = source.joinpath(*target.entry.split(".")[1:]).with_suffix(".py")
    text = re.sub(r"^def build\(", "def _build(", entry.read_text("utf-8"), flags=re.MULTILINE)
    entry.write_text(text + _BROKEN, "utf-8")
