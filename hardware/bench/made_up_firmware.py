"""Small made-up firmware for tests of the loader and of bundles: an application of a few lines, real in all else.

The sources it writes are built like the real ones (`firmware.build`), lie in slots like the real ones, and are
started by the real loader in the real interpreter; only what the application does is a test's choice.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from firmware.build import contents
from firmware.build.__main__ import lay_out
from firmware.build.mpy import MpyCross
from firmware.build.targets import LOADER, TARGETS
from hardware.bench.firmware_process import CHECKOUT, firmware_command

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S: Final = 20.0
UNIX: Final = next(target for target in TARGETS if target.name == "unix")
EMPTY_MODULES: Final = ("__init__.py", "core/__init__.py", "boot/__init__.py", "unix/__init__.py")

TELLS: Final = """
import sys
from firmware.boot.boot_state import BootState
from firmware.core.version import VERSION

class Application:
    def __init__(self, words, boot_state):
        self.words = words
        self.boot_state = boot_state

    def run(self):
        print(self.words)
        at_start()
        sys.exit(0)

def build(root, slot, fell_back):
    words = "version=%s slot=%d fell_back=%d" % (VERSION, slot, fell_back)
    return Application(words, BootState(root=root))

def at_start():
    {at_start}
"""
"""An application that tells which one it is, does `at_start`, and ends with status 0."""
CONFIRMS: Final = TELLS.replace("at_start()\n        sys", "self.boot_state.confirm()\n        sys").format(
    at_start="pass"
)
RAISES_IN_IMPORT: Final = "raise ValueError('no import')\n"
RAISES_IN_BUILD: Final = "def build(root, slot, fell_back):\n    raise ValueError('no build')\n"
RAISES_IN_RUN: Final = TELLS.format(at_start="raise ValueError('no run')")


def write_sources(folder: Path, *, version: str, main: str) -> Path:
    """The sources of a firmware whose `firmware.unix.main` is the text `main`; its folder, for `firmware.build`."""
    source = folder / "firmware"
    for module in EMPTY_MODULES:
        (source / module).parent.mkdir(parents=True, exist_ok=True)
        (source / module).write_text("", encoding="ascii")
    for name in LOADER:
        shutil.copyfile(CHECKOUT / "firmware" / "boot" / name, source / "boot" / name)
    (source / "core" / "version.py").write_text(f'VERSION = "{version}"\n', encoding="ascii")
    (source / "unix" / "main.py").write_text(main, encoding="ascii")
    return source


def install(source: Path, flash: Path) -> None:
    """Lay out the flash of a board that has just got this firmware: the loader, and slot 0."""
    files, manifest = compile_slot(source)
    lay_out(flash, source=source, manifest=manifest, files=files)


def put_in_slot(source: Path, flash: Path, *, slot: int) -> None:
    """Write this firmware into one slot, as an update has written it once it is whole."""
    files, manifest = compile_slot(source)
    for path, data in {**files, "manifest.json": manifest}.items():
        target = flash / f"slot{slot}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def compile_slot(source: Path) -> tuple[dict[str, bytes], bytes]:
    """The compiled files of the unix board, and their manifest."""
    compiler = MpyCross.find()
    files = contents.compiled(UNIX, source, compiler).files
    version = contents.version_of(source)
    return files, contents.manifest_of(UNIX, files, version=version, mpy_version=compiler.mpy_version)


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the loader: its exit status, None if it was killed for hanging, and what was written."""

    status: int | None
    output: str

    def told(self) -> dict[str, str]:
        """What an application that `TELLS` told."""
        lines = [line for line in self.output.splitlines() if line.startswith("version=")]
        return dict(word.split("=") for word in lines[-1].split()) if lines else {}


def start_once(flash: Path, *, patience_s: float = PATIENCE_S) -> Start:
    """From power to the end of the interpreter. A hang is ended after `patience_s`, as the watchdog would."""
    command, env = firmware_command("micropython", heap="264k", firmware=flash)
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, env=env, capture_output=True, text=True, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        return Start(None, _text(error.stdout))
    return Start(done.returncode, done.stdout + done.stderr)


def manifest_in(flash: Path, *, slot: int) -> dict[str, object]:
    """The manifest of a slot."""
    return json.loads((flash / f"slot{slot}" / "manifest.json").read_bytes())


def _text(output: bytes | str | None) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
